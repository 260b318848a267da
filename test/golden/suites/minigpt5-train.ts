/**
 * Training of MiniGPT-5: batches, the three losses and what they are made of, gradients, and one step of AdamW. The file
 * keeps new tokens in the language model's matrices; here their rows lie beside it, so that nothing else can learn, and rows
 * that do not learn do not decay either.
 */
import * as tf from '@tensorflow/tfjs';
import { type AutoencoderParams, encodeMoments, sampleLatent } from '../../../src/autoencoder/index.ts';
import { type ClipTextParams, clipText, clipTextSpec } from '../../../src/clip/index.ts';
import { float32, type HostTensor, isHostTensor } from '../../../src/core/host-tensor.ts';
import { flattenTree, type Tree } from '../../../src/core/tree.ts';
import { type LlamaConfig, llamaSpec, loraSpec } from '../../../src/lm/index.ts';
import { minSnrWeight, type NoiseLevel } from '../../../src/sampler/index.ts';
import {
  type MiniGpt5Frozen,
  type MiniGpt5Params,
  type MiniGpt5Problem,
  miniGpt5Losses,
} from '../../../src/train/objectives/minigpt5.ts';
import { adamWStep, optimizerScalars } from '../../../src/train/optimizer.ts';
import { initialState, lossGradients, nest, scalarInputs } from '../../../src/train/step.ts';
import { unetSpec } from '../../../src/unet/index.ts';
import { type TrainingBatch, trainingBatch, vokenMapperSpec } from '../../../src/vokens/index.ts';
import { clipTextConfigFrom, clipTextPrefixOf, clipTextRules } from '../../../src/weights/names/clip.ts';
import { llamaConfigFrom, llamaRules } from '../../../src/weights/names/llama.ts';
import { loraRules } from '../../../src/weights/names/lora.ts';
import type { NameRule } from '../../../src/weights/names/name-map.ts';
import { type DiffusersUnet, unetConfigFromDiffusers, unetRules } from '../../../src/weights/names/unet.ts';
import {
  type OriginalVokenMapper,
  vokenMapperConfigFrom,
  vokenMapperRules,
} from '../../../src/weights/names/voken-mapper.ts';
import { type CaseResult, compare, compareExact } from '../compare.ts';
import { goldenAutoencoder } from '../golden-autoencoder.ts';
import { eachCase, type GoldenBackend, type GoldenCase, type GoldenFile, networkOf, runProgram } from '../harness.ts';
import { readTensor, readValues } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'minigpt5-train.json';

interface Config {
  readonly voken_ids: readonly number[];
  readonly image_token_id: number;
  readonly bos_token_id: number;
  readonly snr_loss: boolean;
  readonly learning_rate: number;
  readonly adamw: { readonly betas: readonly [number, number]; readonly eps: number; readonly weight_decay: number };
  readonly stage: 1 | 2;
  readonly lora_r?: number;
  readonly lora_alpha?: number;
}

interface Inputs {
  readonly sources: readonly (readonly number[])[];
  readonly targets: readonly (readonly number[])[];
  readonly image_features: readonly (readonly unknown[])[];
  readonly drop: readonly boolean[];
  readonly caption_ids?: unknown;
  readonly caption_mask?: unknown;
  readonly output_images: unknown;
  readonly posterior_noise: unknown;
  readonly noise: unknown;
  readonly timesteps: unknown;
}

/** The original's learning rate of what is new, beside that of the language model's rows, in its first stage. */
const firstStageFactor = 10;

/** Stable Diffusion's betas: the file names no scheduler. */
const [firstBeta, lastBeta, timesteps] = [0.00085, 0.012, 1000];

/** Noise levels of whole timesteps. */
function levelAt(t: number): NoiseLevel {
  let product = 1;
  for (let step = 0; step <= t; step++) {
    const root = Math.sqrt(firstBeta) + ((Math.sqrt(lastBeta) - Math.sqrt(firstBeta)) * step) / (timesteps - 1);
    product *= 1 - root ** 2;
  }
  const [alpha, sigma] = [Math.sqrt(product), Math.sqrt(1 - product)];
  return { t, alpha, sigma, lambda: Math.log(alpha / sigma) };
}

/** Everything of a case that does not depend on its inputs. */
interface Subject {
  readonly problem: MiniGpt5Problem;
  /** What learns, and the old rows of the language model, whose gradients the file tells as well. */
  readonly trained: Tree<HostTensor>;
  readonly frozen: unknown;
  readonly rules: readonly NameRule[];
}

export const run = eachCase(async (golden, backend, file) => {
  const config = golden.config as unknown as Config;
  const inputs = golden.inputs as unknown as Inputs;
  const subject = await subjectOf(golden, file, config);
  const batch = trainingBatch(
    inputs.sources.map((source, row) => ({
      source,
      target: inputs.targets[row]!,
      images: inputs.image_features[row]!.map(features => readTensor(features).data as Float32Array),
    })),
    {
      vokens: config.voken_ids,
      image: config.image_token_id,
      before: [config.bos_token_id],
      width: subject.problem.llama.width,
    },
  );
  const pictures = batch.pictures.length > 0 ? await picturesOf(golden, file, backend, batch) : undefined;
  const got = await runStep(backend, subject, { ...tensorsOf(batch), ...pictures?.inputs }, config);
  return [
    ...compareBatch(golden, batch),
    ...compareParts(golden, { ...pictures?.parts, ...got }),
    ...compareGradients(golden, got, subject),
  ];
});

async function subjectOf(golden: GoldenCase, file: GoldenFile, config: Config): Promise<Subject> {
  const { config: llamaFile, weights } = networkOf(file, golden, 'llama');
  const whole = llamaConfigFrom(llamaFile, 'golden');
  const all = await makeParams(llamaSpec(whole), llamaRules(whole), makeWeights(weights));
  // The file's new tokens are the last ones.
  const size = Math.min(...config.voken_ids, config.image_token_id);
  const [oldRows, rows] = [
    (tensor: HostTensor) => rowsOf(tensor, 0, size),
    (tensor: HostTensor) => rowsOf(tensor, size),
  ];
  const llama: LlamaConfig = { ...whole, vocabularySize: size };
  const mapperNetwork = networkOf(file, golden, 'mapper');
  const mapper = vokenMapperConfigFrom(mapperNetwork.config as OriginalVokenMapper);
  const mapperRules = vokenMapperRules(mapper);
  const ours = await makeParams(vokenMapperSpec(mapper), mapperRules, makeWeights(mapperNetwork.weights));
  const unetNetwork = networkOf(file, golden, 'unet');
  const unet = unetConfigFromDiffusers(unetNetwork.config as unknown as DiffusersUnet);
  const { projection, queries, ...transformer } = ours;
  const isFirst = config.stage === 1;
  const adaptation = isFirst ? undefined : await loraOf(golden, file, llama, config);
  return {
    problem: {
      llama,
      mapper,
      unet,
      vokens: config.voken_ids.length,
      ...(adaptation && { loraScale: config.lora_alpha! / config.lora_r! }),
    },
    trained: {
      rows: { embedding: { weight: rows(all.tokenEmbedding.weight) }, head: { weight: rows(all.head!.weight) } },
      mapper: isFirst ? ours : transformer,
      ...(adaptation && { lora: adaptation.params }),
      old: { embedding: oldRows(all.tokenEmbedding.weight), head: oldRows(all.head!.weight) },
    },
    frozen: {
      llama: all,
      unet: await makeParams(unetSpec(unet), unetRules(unet), makeWeights(unetNetwork.weights)),
      mapper: isFirst ? {} : { projection, queries },
    },
    rules: [
      ...mapperRules.map(rule => ({ ...rule, ours: `mapper.${rule.ours}` })),
      ...(adaptation?.rules ?? []).map(rule => ({ ...rule, ours: `lora.${rule.ours}` })),
    ],
  };
}

async function loraOf(golden: GoldenCase, file: GoldenFile, llama: LlamaConfig, { lora_r: rank = 8 }: Config) {
  const rules = loraRules(llama);
  const { weights } = networkOf(file, golden, 'lora');
  return { rules, params: await makeParams(loraSpec(llama, rank), rules, makeWeights(weights)) };
}

function rowsOf({ shape, data }: HostTensor, from: number, to = shape[0]!): HostTensor {
  const width = shape[1]!;
  return float32([to - from, width], (data as Float32Array).slice(from * width, to * width));
}

function tensorsOf({ pictures: _, ...tensors }: TrainingBatch): Record<string, HostTensor> {
  return tensors;
}

/** Latents, features of captions, and the rest that belongs to a batch's pictures. */
async function picturesOf(golden: GoldenCase, file: GoldenFile, backend: GoldenBackend, batch: TrainingBatch) {
  const config = golden.config as unknown as Config;
  const inputs = golden.inputs as unknown as Inputs;
  const count = batch.pictures.length;
  const length = batch.ids.shape[1]!;
  const latents = await latentsOf(golden, file, backend, batch);
  const [, ...shape] = latents.shape;
  const own = (values: number[]) => float32([values.length], Float32Array.from(values));
  const times = [...readValues(inputs.timesteps).data].slice(0, count);
  const levels = times.map(levelAt);
  const noise = firstRows(readTensor(inputs.noise, 'float32'), count);
  const size = latents.data.length / count;
  const sample = latents.data.map((value, i) => {
    const { alpha, sigma } = levels[Math.floor(i / size)]!;
    return alpha * value + sigma * noise.data[i]!;
  });
  const weights = levels.map(level => (config.snr_loss ? minSnrWeight('epsilon', level) : 1));
  const places = batch.pictures.flatMap(({ row, position }) =>
    config.voken_ids.map((_, k) => row * length + position - 1 + k),
  );
  const features = inputs.caption_ids === undefined ? undefined : await featuresOf(golden, file, backend, batch);
  const noisy = float32([count, ...shape], sample as Float32Array);
  return {
    inputs: {
      places: { dtype: 'int32', shape: [places.length], data: Int32Array.from(places) },
      kept: own(inputs.drop.map(isDropped => (isDropped ? 0 : 1))),
      sample: noisy,
      noise,
      time: own(times),
      imageWeights: own(weights),
      ...(features && { features }),
    } satisfies Record<string, HostTensor>,
    parts: {
      latents,
      noisy_latents: noisy,
      ...(config.snr_loss && { snr_weights: own(weights) }),
      ...(features && { caption_features: features }),
    },
  };
}

function firstRows({ shape, data }: HostTensor, count: number): HostTensor {
  return float32([count, ...shape.slice(1)], (data as Float32Array).slice(0, (data.length / shape[0]!) * count));
}

/** The scaled latents of the pictures that are drawn, in their order. */
async function latentsOf(
  golden: GoldenCase,
  file: GoldenFile,
  backend: GoldenBackend,
  { pictures }: TrainingBatch,
): Promise<HostTensor> {
  const { config, params, scale } = await goldenAutoencoder(networkOf(file, golden, 'vae'));
  const inputs = golden.inputs as unknown as Inputs;
  const images = readTensor(inputs.output_images, 'float32');
  const size = images.data.length / images.shape[0]!;
  const chosen = pictures.flatMap(({ row }) => [...images.data.subarray(row * size, (row + 1) * size)]);
  const { latents } = await runProgram<AutoencoderParams>(
    backend,
    ({ params: own, inputs: { image, noise } }) => ({
      outputs: {
        latents: tf.mul(sampleLatent(encodeMoments(own, image!, config), noise!), scale),
      },
    }),
    params,
    {
      image: float32([pictures.length, ...images.shape.slice(1)], Float32Array.from(chosen)),
      noise: firstRows(readTensor(inputs.posterior_noise, 'float32'), pictures.length),
    },
  );
  return latents!;
}

/** What the U-Net's text encoder makes of each picture's caption; of the empty one, the last, where the condition is dropped. */
async function featuresOf(
  golden: GoldenCase,
  file: GoldenFile,
  backend: GoldenBackend,
  { pictures }: TrainingBatch,
): Promise<HostTensor> {
  const { config: theirs, weights } = networkOf(file, golden, 'text_encoder');
  const config = clipTextConfigFrom(theirs as unknown as Parameters<typeof clipTextConfigFrom>[0], false);
  const given = makeWeights(weights);
  const rules = clipTextRules(config, clipTextPrefixOf(Object.keys(given)));
  const params = await makeParams(clipTextSpec(config), rules, given);
  const inputs = golden.inputs as unknown as Inputs;
  const ids = readTensor(inputs.caption_ids, 'int32');
  const { features } = await runProgram<ClipTextParams>(
    backend,
    ({ params: own, inputs: { ids: tokens, mask } }) => ({
      outputs: { features: clipText(own, { ids: tokens!, mask }, config) },
    }),
    params,
    { ids, mask: readTensor(inputs.caption_mask, 'int32') },
  );
  const [rows, ...shape] = features!.shape as [number, ...number[]];
  const size = features!.data.length / rows;
  const chosen = pictures.flatMap(({ row }, k) => {
    const at = inputs.drop[k] ? rows - 1 : row;
    return [...features!.data.subarray(at * size, (at + 1) * size)];
  });
  return float32([pictures.length, ...shape], Float32Array.from(chosen));
}

/** Losses, their parts, gradients, and the parameters after one step. */
async function runStep(backend: GoldenBackend, subject: Subject, inputs: Record<string, HostTensor>, config: Config) {
  const { trained, frozen, problem } = subject;
  const flat = flattenTree<HostTensor>(trained, isHostTensor);
  const { betas, eps: epsilon, weight_decay: weightDecay } = config.adamw;
  const optimizer = {
    betas: [...betas] as [number, number],
    epsilon,
    weightDecay,
    clipNorm: Number.POSITIVE_INFINITY,
    ema: 0,
    emaWarmup: false,
  };
  const scalars = optimizerScalars(
    { ...optimizer, lr: config.learning_rate, warmup: 0, schedule: 'constant', finalShare: 1 },
    0,
    config.learning_rate,
  );
  const factorOf = (name: string) => (config.stage === 1 && name.startsWith('mapper.') ? firstStageFactor : 1);
  const zeros = initialState(trained);
  return runProgram<{ readonly frozen: MiniGpt5Frozen; readonly trained: Record<string, tf.Tensor> }>(
    backend,
    ({ params, inputs: given }) => {
      let parts: Record<string, tf.Tensor> = {};
      const { loss, metrics, gradients } = lossGradients(own => {
        const { old, ...learning } = nest(own, trained) as unknown as MiniGpt5Params & {
          old: Record<'embedding' | 'head', tf.Tensor>;
        };
        const llama = {
          ...params.frozen.llama,
          tokenEmbedding: { weight: old.embedding },
          head: { weight: old.head },
        };
        const { loss: total, ...others } = miniGpt5Losses(learning, { ...params.frozen, llama }, given, problem);
        parts = Object.fromEntries(Object.entries(others).filter(([, part]) => part !== undefined)) as typeof parts;
        return { loss: total as tf.Scalar, metrics: parts };
      }, params.trained);
      const moments = (part: 'm' | 'v') =>
        Object.fromEntries(Object.entries(zeros[part]).map(([name, { shape }]) => [name, tf.zeros([...shape])]));
      const state = { params: params.trained, m: moments('m'), v: moments('v'), ema: params.trained };
      const { state: next } = adamWStep(state, gradients, given, { ...optimizer, rateFactor: factorOf });
      const prefixed = (prefix: string, record: Record<string, tf.Tensor>) =>
        Object.fromEntries(Object.entries(record).map(([name, tensor]) => [`${prefix}${name}`, tensor]));
      return {
        outputs: {
          loss: loss.reshape([1]),
          ...metrics,
          ...prefixed('gradient:', gradients),
          ...prefixed('after:', next.params),
        },
      };
    },
    { frozen, trained: flat } as never,
    { ...inputs, ...scalarInputs(scalars) },
  );
}

/** The original fills up tokens before it puts pictures in their places, and so has more at the end of its rows. */
function compareBatch(golden: GoldenCase, { mask, labels, weights }: TrainingBatch): CaseResult[] {
  const [rows, length] = mask.shape as [number, number];
  const marked = Array.from(labels.data, (id, at) => (weights.data[at] === 1 ? id : -100));
  const check = (name: string, got: readonly number[], filling: number) => {
    const expected = readValues(golden.outputs[name]);
    const more = new Array<number>(expected.shape[1]! - length).fill(filling);
    const filled = Array.from({ length: rows }, (_, row) => [...got.slice(row * length, (row + 1) * length), ...more]);
    return compareExact(`${golden.name} / ${name}`, filled.flat(), expected.data);
  };
  return [check('labels', marked, -100), check('attention_mask', [...mask.data], 0)];
}

/** The file's names of what the losses are made of. */
const partNames: Readonly<Record<string, string>> = {
  text_loss: 'text',
  image_loss: 'image',
  caption_loss: 'caption',
  voken_states: 'states',
  mapped: 'context',
  model_pred: 'predicted',
  per_sample_mse: 'squares',
};
const elsewhere = [
  'labels',
  'attention_mask',
  'raw_gradient_norms',
  'gradient_norms',
  'gradient_norms_per_tensor',
  'voken_rows',
  'other_rows_max_abs',
  'gradients',
  'after_step',
];

function compareParts(golden: GoldenCase, got: Readonly<Record<string, HostTensor>>): CaseResult[] {
  return (
    Object.entries(golden.outputs)
      .filter(([name]) => !elsewhere.includes(name))
      // Without the weights by signal-to-noise ratio the file lists those that it does not use.
      .filter(([name]) => name !== 'snr_weights' || got['snr_weights'])
      .map(([name, expected]) => {
        const tensor = got[partNames[name] ?? name];
        if (!tensor) throw new Error(`${golden.name}: ${name} is not computed`);
        return compare(
          `${golden.name} / ${name}`,
          { ...tensor, shape: tensor.shape.length === 0 ? [1] : tensor.shape },
          expected,
          golden.tolerance,
        );
      })
  );
}

function compareGradients(
  golden: GoldenCase,
  got: Readonly<Record<string, HostTensor>>,
  { rules }: Subject,
): CaseResult[] {
  const { outputs, tolerance, name: title } = golden;
  const check = (name: string, data: ArrayLike<number>, expected: unknown) =>
    compare(`${title} / ${name}`, { data }, expected, tolerance);
  const gradient = (name: string) => got[`gradient:${name}`]!.data;
  const norm = (...parts: readonly ArrayLike<number>[]) =>
    Math.sqrt(parts.reduce((sum, part) => sum + Array.from(part).reduce((total, value) => total + value ** 2, 0), 0));
  const matrices = { embed_tokens: 'embedding', lm_head: 'head' } as const;
  const rows = (theirs: string) => (theirs.includes('embed_tokens') ? 'rows.embedding.weight' : 'rows.head.weight');
  const groups = (isRaw: boolean): Record<string, number> => ({
    ...Object.fromEntries(
      Object.entries(matrices).map(([theirs, ours]) => [
        theirs,
        norm(gradient(`rows.${ours}.weight`), ...(isRaw ? [gradient(`old.${ours}`)] : [])),
      ]),
    ),
    ...groupNorms(got, norm),
  });
  const record = (name: string) => Object.entries(outputs[name] as Record<string, unknown>);
  const isRow = (theirs: string) => theirs.startsWith('model.embed_tokens') || theirs.startsWith('lm_head');
  const rulesOf = (theirs: string) => rules.filter(rule => rule.theirs === theirs);
  /** What was computed for a tensor of theirs, which may be several of ours, one behind the other. */
  const ours = (theirs: string, part: 'gradient' | 'after') =>
    rulesOf(theirs).flatMap(rule => [...got[`${part}:${rule.ours}`]!.data]);
  const checkTensor = (title: string, theirs: string, part: 'gradient' | 'after', expected: unknown) => {
    const tensor = readTensor(expected, 'float32', theirs);
    const data = rulesOf(theirs).flatMap(({ transform }) => [...(transform?.apply([tensor]) ?? tensor).data]);
    return check(title, ours(theirs, part), { shape: [data.length], data });
  };
  return [
    ...record('raw_gradient_norms').map(([name, expected]) =>
      check(`raw norm ${name}`, [groups(true)[name]!], expected),
    ),
    ...record('gradient_norms').map(([name, expected]) => check(`norm ${name}`, [groups(false)[name]!], expected)),
    ...record('gradient_norms_per_tensor').map(([name, expected]) =>
      check(`norm ${name}`, [isRow(name) ? norm(gradient(rows(name))) : norm(ours(name, 'gradient'))], expected),
    ),
    ...record('voken_rows').map(([name, expected]) => check(`rows of ${name}`, gradient(rows(name)), expected)),
    ...record('gradients').map(([name, expected]) => checkTensor(`d ${name}`, name, 'gradient', expected)),
    ...record('after_step').map(([name, expected]) => {
      if (!isRow(name)) return checkTensor(`after a step: ${name}`, name, 'after', expected);
      // Its first row is an old one, which decays in the original and stays here.
      const { shape, data } = readValues(expected);
      const width = shape[1]!;
      const learnt = { shape: [shape[0]! - 1, width], data: [...data].slice(width) };
      return check(`after a step: ${name}`, got[`after:${rows(name)}`]!.data, learnt);
    }),
  ];
}

function groupNorms(
  got: Readonly<Record<string, HostTensor>>,
  norm: (...parts: ArrayLike<number>[]) => number,
): Record<string, number> {
  const of = (isIn: (name: string) => boolean) =>
    norm(
      ...Object.entries(got)
        .filter(([name]) => name.startsWith('gradient:') && isIn(name.slice(9)))
        .map(([, { data }]) => data),
    );
  return {
    fc: of(name => name.startsWith('mapper.projection.')),
    t2i_decoder_prompt: of(name => name === 'mapper.queries'),
    llm_to_t2i_mapping: of(name => name.startsWith('mapper.encoder.') || name.startsWith('mapper.decoder.')),
    lora: of(name => name.startsWith('lora.')),
  };
}
