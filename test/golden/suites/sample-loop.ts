/**
 * sample-loop.json: whole sampling runs of a tiny UniDiffuser in every mode, in the conventions of the original code and of
 * diffusers. All noise is written down, so the runs must end where the recorded ones did.
 */
import { compile, type Executable } from '../../../src/engine/index.ts';
import {
  answerOneByOne,
  type LatentShapes,
  type Mode,
  type Part,
  type Predict,
  type SampleLatents,
  type SampleRequest,
  type SampleRun,
  sampleRun,
  stackEvaluations,
  unstackPredictions,
} from '../../../src/pipelines/unidiffuser/sampling/index.ts';
import { continuousTable, createBetas, wholeTable } from '../../../src/sampler/index.ts';
import { type UvitInputs, type UvitParams, uvit, uvitSpec } from '../../../src/uvit/index.ts';
import { paramsFromRules } from '../../../src/weights/names/name-map.ts';
import { type ForeignJointUvit, uvitConfigFrom, uvitRules } from '../../../src/weights/names/uvit.ts';
import {
  type CaseResult,
  compare,
  type GoldenBackend,
  type GoldenCase,
  type GoldenFile,
  makeInput,
  makeWeights,
  ruleI,
} from '../harness.ts';
import { betasOf, type Kwargs, multistepOptions, predictionOf } from '../scheduler-options.ts';

export const file = 'sample-loop.json';

interface Config {
  readonly family: 'original' | 'diffusers';
  readonly mode: string;
  readonly net: ForeignJointUvit;
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

export async function run(golden: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const networks = new Map<string, Executable>();
  try {
    const results: CaseResult[] = [];
    for (const item of golden.cases) {
      const key = JSON.stringify([item.config['net'], item.config['data_type'] === undefined, item.weights]);
      const network = networks.get(key) ?? (await compileNetwork(item, backend));
      networks.set(key, network);
      results.push(...(await runCase(item, network)));
    }
    return results;
  } finally {
    for (const network of networks.values()) await network.release();
  }
}

async function runCase(golden: GoldenCase, network: Executable): Promise<CaseResult[]> {
  const config = golden.config as unknown as Config;
  const shapes = shapesOf(config.net);
  const predict: Predict = async evaluations => {
    const outputs = await network.run({ ...stackEvaluations(evaluations, shapes) });
    return unstackPredictions(outputs as Parameters<typeof unstackPredictions>[0]);
  };
  const samples = Array.from({ length: config.n_samples }, (_, sample) => sample);
  const latents = await answerOneByOne(
    samples.map(sample => sampleRun(requestOf(golden, shapes, sample))),
    predict,
  );
  const results: CaseResult[] = [];
  for (const [name, expected] of Object.entries(golden.outputs)) {
    const label = `${golden.name} / ${name}`;
    if (name === 'noise_at_1000') {
      const guided = await Promise.all(samples.map(sample => firstGuided(requestOf(golden, shapes, sample), predict)));
      const data = guided.flatMap(({ image, text }) => [...(image?.z ?? []), ...(image?.c ?? []), ...(text ?? [])]);
      results.push(compare(label, { data }, expected, golden.tolerance));
      continue;
    }
    const part = (['z', 'c', 'y'] as const).find(part => name.replace('middle_', '') === theirNames[part])!;
    const data = latents.flatMap(({ image, text }) => [...((part === 'y' ? text : image?.[part]) ?? [])]);
    results.push(compare(label, { shape: [config.n_samples, ...shapes[part]], data }, expected, golden.tolerance));
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

function requestOf(golden: GoldenCase, shapes: LatentShapes, sample: number): SampleRequest {
  const config = golden.config as unknown as Config;
  const { noise, n_samples: samples } = config;
  const slice = (part: Part, c: number) =>
    rowOf(ruleI([samples, ...shapes[part]], c).data as Float32Array, sample, samples);
  const input = (name: string) => {
    if (golden.inputs[name] === undefined) return undefined;
    return rowOf(makeInput(golden.inputs[name]).data as Float32Array, sample, samples);
  };
  const [z, c, y] = [input('z'), input('clip_img'), input('text')];
  const emptyText = config.t2i_cfg_mode === 'empty_token' ? input('empty_text') : undefined;
  const given = { ...(z && c ? { image: { z, c } } : {}), ...(y ? { text: y } : {}) };
  return {
    ...conventionsOf(config),
    mode: diffusersModes[config.mode] ?? (config.mode as Mode),
    shapes,
    steps: config.steps,
    given,
    ...(emptyText ? { negative: { text: emptyText } } : {}),
    ...(config.data_type === undefined ? {} : { dataType: config.data_type }),
    noise: {
      start: () => ({
        z: slice('z', noise.init.z),
        c: slice('c', noise.init.clip_img),
        y: slice('y', noise.init.text),
      }),
      ignored: (part, evaluation) => slice(part, noise.ignored[theirNames[part]] + (noise.dc ?? 0) * evaluation),
      step: length => new Float32Array(length),
    },
  };
}

function conventionsOf(
  config: Config,
): Pick<SampleRequest, 'schedule' | 'prediction' | 'solver' | 'guidance' | 'ignored'> {
  if (config.family === 'original') {
    const schedule = continuousTable(createBetas());
    return { schedule, prediction: 'epsilon', solver: { kind: 'dpm-singlestep' }, guidance: (config.scale ?? 0) + 1 };
  }
  const kwargs = config.scheduler ?? {};
  const solver = multistepOptions(kwargs);
  const prediction = predictionOf(kwargs);
  if (!solver || !prediction) throw new Error(`No solver for the scheduler ${JSON.stringify(kwargs)}`);
  const guidance = Math.max(config.guidance_scale ?? 1, 1);
  return { schedule: wholeTable(createBetas(betasOf(kwargs))), prediction, solver, guidance, ignored: 'initial' };
}

function rowOf(values: Float32Array, row: number, rows: number): Float32Array {
  const size = values.length / rows;
  return values.slice(row * size, (row + 1) * size);
}

function shapesOf(net: ForeignJointUvit): LatentShapes {
  return {
    z: [net.in_chans, net.img_size, net.img_size],
    c: [1, net.clip_img_dim],
    y: [net.num_text_tokens, net.text_dim],
  };
}

async function compileNetwork({ config, weights }: GoldenCase, backend: GoldenBackend): Promise<Executable> {
  const net = config['net'] as unknown as ForeignJointUvit;
  const uvitConfig = uvitConfigFrom(net);
  const tensors = makeWeights(weights!);
  const params = paramsFromRules(uvitSpec(uvitConfig), uvitRules(uvitConfig), name => tensors[name]);
  const shapes = shapesOf(net);
  const part = (shape: readonly number[]) => ({ dtype: 'float32', shape: ['batch', ...shape] }) as const;
  const inputs = {
    image: part(shapes.z),
    clipImage: part(shapes.c),
    text: part(shapes.y),
    imageTime: part([]),
    textTime: part([]),
    ...(config['data_type'] === undefined ? {} : { dataType: { dtype: 'int32', shape: ['batch'] } as const }),
  };
  return compile<UvitParams, undefined>(
    ({ params, inputs }) => ({ outputs: { ...uvit(params, inputs as unknown as UvitInputs, uvitConfig) } }),
    { params, inputs },
    { device: backend, name: 'sample-loop', threads: 1 },
  );
}
