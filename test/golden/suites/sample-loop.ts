/**
 * sample-loop.json: whole sampling runs of a tiny UniDiffuser in every mode, in the conventions of the original code and of
 * diffusers. All noise is written down, so the runs must end where the recorded ones did.
 */
import { compile, type Executable } from '../../../src/engine/index.ts';
import {
  type LatentShapes,
  type Mode,
  type Predict,
  runInLockstep,
  type SampleLatents,
  type SampleRequest,
  type SampleRun,
  sampleRun,
  stackEvaluations,
  unstackPredictions,
} from '../../../src/pipelines/unidiffuser/sampling/index.ts';
import type { Part } from '../../../src/pipelines/unidiffuser/sampling/latents.ts';
import { continuousTable, createBetas } from '../../../src/sampler/index.ts';
import type { JointUvitConfig, JointUvitParams } from '../../../src/uvit/index.ts';
import { type CaseResult, compare } from '../compare.ts';
import type { GoldenBackend, GoldenCase, GoldenFile } from '../harness.ts';
import { type Kwargs, schedulerOf } from '../scheduler-options.ts';
import { makeInputs, ruleI, toTensor } from '../tensors.ts';
import { DATA_TYPE, jointModel, runJoint } from './uvit.ts';

export const file = 'sample-loop.json';

interface Config {
  readonly family: 'original' | 'diffusers';
  readonly mode: string;
  readonly net: unknown;
  readonly steps: number;
  readonly scale?: number;
  readonly guidance_scale?: number;
  readonly t2i_cfg_mode?: string;
  readonly n_samples: number;
  readonly data_type?: number;
  readonly scheduler?: Kwargs;
  readonly noise: { readonly init: Starts; readonly ignored: Starts; readonly dc?: number };
}

/** The c of rule I for each part. */
type Starts = Readonly<Record<'z' | 'clip_img' | 'text', number>>;

const theirNames = { z: 'z', c: 'clip_img', y: 'text' } as const satisfies Record<Part, keyof Starts>;
const diffusersModes: Record<string, Mode> = { text2img: 't2i', img2text: 'i2t', img: 'i', text: 't' };

/** A case's network, with the sizes of its latents. */
interface Network {
  readonly executable: Executable;
  readonly shapes: LatentShapes;
  readonly dataTypeToken: boolean | undefined;
}

export async function run(golden: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const networks = new Map<string, Network>();
  try {
    const results: CaseResult[] = [];
    for (const item of golden.cases) {
      const key = JSON.stringify([item.config['net'], item.weights]);
      const network = networks.get(key) ?? (await compileNetwork(item, backend));
      networks.set(key, network);
      results.push(...(await runCase(item, network)));
    }
    return results;
  } finally {
    for (const { executable } of networks.values()) await executable.release();
  }
}

async function runCase(golden: GoldenCase, { executable, shapes, dataTypeToken }: Network): Promise<CaseResult[]> {
  const predict: Predict = async evaluations => {
    const outputs = await executable.run({ ...stackEvaluations(evaluations, shapes) });
    return unstackPredictions(outputs as Parameters<typeof unstackPredictions>[0]);
  };
  const requests = requestsOf(golden, shapes, dataTypeToken);
  const latents = await runInLockstep(requests.map(sampleRun), predict);
  const results: CaseResult[] = [];
  for (const [name, expected] of Object.entries(golden.outputs)) {
    const label = `${golden.name} / ${name}`;
    if (name === 'noise_at_1000') {
      const guided = await Promise.all(requests.map(request => firstGuided(request, predict)));
      const data = guided.flatMap(({ image, text }) => [...(image?.z ?? []), ...(image?.c ?? []), ...(text ?? [])]);
      results.push(compare(label, { data }, expected, golden.tolerance));
      continue;
    }
    const part = (['z', 'c', 'y'] as const).find(part => name.replace('middle_', '') === theirNames[part])!;
    const data = latents.flatMap(({ image, text }) => [...((part === 'y' ? text : image?.[part]) ?? [])]);
    results.push(compare(label, { shape: [requests.length, ...shapes[part]], data }, expected, golden.tolerance));
  }
  return results;
}

/** The guided network output at the first evaluation: what a run takes for the data if told that the network predicts it. */
async function firstGuided(request: SampleRequest, predict: Predict): Promise<SampleLatents> {
  const run: SampleRun = sampleRun({ ...request, prediction: 'sample', steps: 2 });
  const first = run.next();
  if (first.done) return first.value;
  const second = run.next(await predict(first.value.evaluations, {}));
  return second.done ? second.value : (second.value.progress.denoised ?? {});
}

const inputNames = {
  z: ['z', 'float32'],
  clip_img: ['c', 'float32'],
  text: ['y', 'float32'],
  empty_text: ['emptyText', 'float32'],
} as const;

/** One request per sample. What is given for one sample alone is given to all of them. */
function requestsOf(golden: GoldenCase, shapes: LatentShapes, dataTypeToken: boolean | undefined): SampleRequest[] {
  const config = golden.config as unknown as Config;
  const { noise, n_samples: samples } = config;
  const inputs = makeInputs(golden.inputs, inputNames, samples);
  return Array.from({ length: samples }, (_, sample) => {
    const drawn = (part: Part, c: number) =>
      rowOf(toTensor(ruleI([samples, ...shapes[part]], c)).data as Float32Array, sample, samples);
    const input = (name: string) => {
      const tensor = inputs[name];
      return tensor && rowOf(tensor.data as Float32Array, sample, samples);
    };
    const [z, c, y] = [input('z'), input('c'), input('y')];
    const emptyText = config.t2i_cfg_mode === 'empty_token' ? input('emptyText') : undefined;
    return {
      ...conventionsOf(config),
      mode: diffusersModes[config.mode] ?? (config.mode as Mode),
      shapes,
      steps: config.steps,
      given: { ...(z && c ? { image: { z, c } } : {}), ...(y ? { text: y } : {}) },
      ...(emptyText ? { negative: { text: emptyText } } : {}),
      ...(dataTypeToken ? { dataType: config.data_type ?? DATA_TYPE } : {}),
      noise: {
        start: () => ({
          z: drawn('z', noise.init.z),
          c: drawn('c', noise.init.clip_img),
          y: drawn('y', noise.init.text),
        }),
        ignored: (part, evaluation) => drawn(part, noise.ignored[theirNames[part]] + (noise.dc ?? 0) * evaluation),
        step: length => new Float32Array(length),
      },
    };
  });
}

function conventionsOf(
  config: Config,
): Pick<SampleRequest, 'schedule' | 'prediction' | 'solver' | 'guidance' | 'ignored'> {
  if (config.family === 'original') {
    const schedule = continuousTable(createBetas());
    return { schedule, prediction: 'epsilon', solver: { kind: 'dpm-singlestep' }, guidance: (config.scale ?? 0) + 1 };
  }
  const kwargs = config.scheduler ?? {};
  const guidance = Math.max(config.guidance_scale ?? 1, 1);
  return {
    ...schedulerOf(kwargs, kwargs['_class_name'] ?? 'DPMSolverMultistepScheduler'),
    guidance,
    ignored: 'initial',
  };
}

function rowOf(values: Float32Array, row: number, rows: number): Float32Array {
  const size = values.length / rows;
  return values.slice(row * size, (row + 1) * size);
}

function shapesOf(config: JointUvitConfig): LatentShapes {
  const { latentChannels, latentSize, clipDim, textTokens, textDim } = config;
  return { z: [latentChannels, latentSize, latentSize], c: [1, clipDim], y: [textTokens, textDim] };
}

async function compileNetwork({ config, weights }: GoldenCase, backend: GoldenBackend): Promise<Network> {
  const model = await jointModel(config['net'], weights!);
  const shapes = shapesOf(model.config);
  const { dataTypeToken } = model.config;
  const part = (shape: readonly number[]) => ({ dtype: 'float32', shape: ['batch', ...shape] }) as const;
  const inputs = {
    image: part(shapes.z),
    clipImage: part(shapes.c),
    text: part(shapes.y),
    imageTime: part([]),
    textTime: part([]),
    ...(dataTypeToken && { dataType: { dtype: 'int32', shape: ['batch'] } as const }),
  };
  const executable = await compile<JointUvitParams, undefined>(
    ({ params, inputs }) => ({ outputs: { ...runJoint(params, inputs, model.config) } }),
    { params: model.params, inputs },
    { device: backend, name: 'sample-loop', threads: 1 },
  );
  return { executable, shapes, dataTypeToken };
}
