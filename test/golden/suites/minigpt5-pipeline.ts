/**
 * MiniGPT-5 whole: a prompt with pictures, the language model's answer with vokens, the states and context of every picture, and
 * each picture drawn. First noises are written down, and tokens are the most probable ones.
 */
import { type AutoencoderParams, decode } from '../../../src/autoencoder/index.ts';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import {
  type CachedSequences,
  decodingProgram,
  type Extension,
  type LlamaParams,
  placeImages,
  TokenChooser,
} from '../../../src/lm/index.ts';
import { CompiledDecoder } from '../../../src/pipelines/compiled-decoder.ts';
import { pipelineScheduler } from '../../../src/pipelines/stable-diffusion/scheduler.ts';
import {
  type InterleavedEnd,
  interleavedTokens,
  type VokenMapperParams,
  vokenMapper,
  vokenMapperSpec,
} from '../../../src/vokens/index.ts';
import {
  type OriginalVokenMapper,
  vokenMapperConfigFrom,
  vokenMapperRules,
} from '../../../src/weights/names/voken-mapper.ts';
import { type CaseResult, compare, compareExact } from '../compare.ts';
import { goldenAutoencoder } from '../golden-autoencoder.ts';
import { goldenLlama } from '../golden-llama.ts';
import { compileGoldenUnet, followDenoising } from '../golden-unet.ts';
import { eachCase, type GoldenBackend, type GoldenNetwork, networkOf, runProgram } from '../harness.ts';
import type { GoldenModel } from '../language-model.ts';
import { readTensor, readValues, toTensor } from '../tensors.ts';
import { readPrompts } from '../visual-prompt.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'minigpt5-pipeline.json';

interface Config {
  readonly voken_ids: readonly number[];
  readonly image_token_id: number;
  readonly bos_token_id: number;
  readonly guidance_scale: number;
  readonly stop_sequences: readonly (readonly number[])[];
  readonly max_new_tokens: number;
  readonly repetition_penalty?: number;
  readonly penalty_start_ids?: readonly number[];
  readonly force_generation?: boolean;
  readonly steps: number;
  readonly scheduler: { readonly class: string; readonly config: Readonly<Record<string, unknown>> };
}

interface Inputs {
  readonly prompt_ids: unknown;
  readonly image_features: readonly unknown[];
  readonly latents: readonly unknown[];
}

export const run = eachCase(async (golden, backend, file) => {
  const config = golden.config as unknown as Config;
  const inputs = golden.inputs as unknown as Inputs;
  const network = (role: string) => networkOf(file, golden, role);
  const { config: llamaConfig, weights } = network('llama');
  const language = await goldenLlama(llamaConfig, weights);
  const prompt = placeImages([config.bos_token_id, ...readValues(inputs.prompt_ids).data], {
    placeholder: config.image_token_id,
    images: inputs.image_features.map(features => readTensor(features).data as Float32Array),
    width: language.width,
  });
  const { inputs_embeds: embeddings } = await readPrompts(backend, language, [prompt]);
  const answer = await answerOf(backend, language, prompt, config);

  const check = (name: string, got: Parameters<typeof compare>[1], expected: unknown): CaseResult =>
    compare(`${golden.name} / ${name}`, got, expected, golden.tolerance);
  const exact = (name: string, ids: readonly number[]): CaseResult =>
    compareExact(`${golden.name} / ${name}`, [...ids], readValues(golden.outputs[name]).data);
  const first = config.voken_ids[0]!;
  const results = [
    check('prompt_embeds', embeddings!, golden.outputs['prompt_embeds']),
    exact('generated_ids', answer.ids),
    exact(
      'sequence_after_prompt',
      answer.ids.flatMap(id => (id === first ? config.voken_ids : id)),
    ),
    check('step_logits', stacked(answer.logits), golden.outputs['step_logits']),
  ];
  const expected = golden.outputs['images'] as readonly Readonly<Record<string, unknown>>[];
  results.push(compareExact(`${golden.name} / images`, [answer.states.length], [expected.length]));
  if (expected.length === 0) return results;

  const unconditional = await mapped(backend, network('mapper'), new Float32Array(answer.states[0]!.length));
  results.push(check('unconditional', unconditional.context!, golden.outputs['unconditional']));
  for (const [index, states] of answer.states.entries()) {
    const conditional = await mapped(backend, network('mapper'), states);
    const contexts = { context: valuesOf(conditional.context!), negative: valuesOf(unconditional.context!) };
    const start = readTensor(inputs.latents[index], 'float32');
    const drawn = await draw(backend, network, start, contexts, config);
    const parts: Record<string, Parameters<typeof compare>[1]> = {
      voken_states: { shape: [1, config.voken_ids.length, language.width], data: states },
      voken_fc: conditional.projected!,
      conditional: conditional.context!,
      ...drawn,
    };
    for (const [name, value] of Object.entries(expected[index]!)) {
      results.push(check(`image ${index} / ${name}`, parts[name]!, value));
    }
  }
  return results;
});

interface Answer extends InterleavedEnd {
  /** Of each step, as the model gave them. */
  readonly logits: readonly Float32Array[];
  readonly states: readonly Float32Array[];
}

async function answerOf(
  backend: GoldenBackend,
  { model, params, width, positions }: GoldenModel<LlamaParams>,
  prompt: Extension,
  config: Config,
): Promise<Answer> {
  const decoder = await CompiledDecoder.create(
    decodingProgram<LlamaParams, LlamaParams>({
      model,
      params: own => own,
      vectors: { width, embed: (_, vectors) => vectors },
    }),
    { params, positions },
    { device: backend, name: 'golden-minigpt5', threads: 1 },
  );
  const logits: Float32Array[] = [];
  const states: Float32Array[] = [];
  const recorded = recordLogits(decoder.sequences(), logits);
  const { repetition_penalty: repetitionPenalty } = config;
  const tokens = interleavedTokens(prompt, recorded, {
    vokens: config.voken_ids,
    chooser: new TokenChooser({ ...(repetitionPenalty !== undefined && { repetitionPenalty }) }),
    maxTokens: config.max_new_tokens,
    positions,
    stops: config.stop_sequences,
    draw: config.force_generation ? 'always' : 'auto',
    penalised: config.penalty_start_ids ?? [],
  });
  try {
    for (;;) {
      const next = await tokens.next();
      // The vokens of a picture that ends the answer are read for their states; what would follow them is no step.
      if (next.done) return { ...next.value, logits: logits.slice(0, next.value.ids.length), states };
      if (next.value.type === 'image') states.push(next.value.states);
    }
  } finally {
    await decoder.release();
  }
}

function recordLogits<S>(sequences: CachedSequences<S>, logits: Float32Array[]): CachedSequences<S> {
  return {
    ...sequences,
    extend: async rows => {
      const answers = await sequences.extend(rows);
      logits.push(answers[0]!.logits);
      return answers;
    },
  };
}

async function mapped(backend: GoldenBackend, { config: theirs, weights }: GoldenNetwork, states: Float32Array) {
  const config = vokenMapperConfigFrom(theirs as OriginalVokenMapper);
  const params = await makeParams(vokenMapperSpec(config), vokenMapperRules(config), makeWeights(weights));
  const { inputWidth } = config;
  return runProgram<VokenMapperParams>(
    backend,
    ({ params: own, inputs }) => {
      const { projected, context } = vokenMapper(own, inputs['states']!, config);
      return { outputs: { projected, context } };
    },
    params,
    { states: { dtype: 'float32', shape: [1, states.length / inputWidth, inputWidth], data: states } },
  );
}

async function draw(
  backend: GoldenBackend,
  network: (role: string) => GoldenNetwork,
  start: HostTensor,
  contexts: { readonly context: Float32Array; readonly negative: Float32Array },
  { scheduler, steps, guidance_scale: guidance }: Config,
) {
  const unet = await compileGoldenUnet(network('unet'), backend);
  try {
    const [, channels, height, width] = start.shape as [number, number, number, number];
    const { timesteps, states, latent } = await followDenoising(
      {
        size: { channels, height, width },
        sampling: pipelineScheduler({ _class_name: scheduler.class, ...scheduler.config }, 't2i', 'the golden file'),
        steps,
        guidance,
        ...contexts,
        draw: () => valuesOf(start),
        latentScale: { factor: 1, shift: 0 },
      },
      unet,
    );
    const latents = { shape: start.shape, data: latent };
    return {
      timesteps: { data: timesteps },
      latents_per_step: stacked(states, start.shape.slice(1)),
      latents,
      decoded: await decoded(backend, network('vae'), { ...start, data: latent }),
    };
  } finally {
    await unet.executable.release();
  }
}

async function decoded(backend: GoldenBackend, network: GoldenNetwork, latents: HostTensor) {
  const { config, params, scale } = await goldenAutoencoder(network);
  const { out } = await runProgram<AutoencoderParams>(
    backend,
    ({ params: own, inputs }) => ({ outputs: { out: decode(own, inputs['z']!, config) } }),
    params,
    { z: toTensor({ shape: [...latents.shape], data: [...latents.data].map(value => value / scale) }) },
  );
  return out!;
}

function stacked(rows: readonly Float32Array[], shape: readonly number[] = [rows[0]!.length]) {
  return { shape: [rows.length, ...shape], data: rows.flatMap(row => [...row]) };
}

function valuesOf(tensor: HostTensor): Float32Array {
  return tensor.data as Float32Array;
}
