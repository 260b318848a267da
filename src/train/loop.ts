/**
 * The training loop, the same for all stages: prepares batch n + 1 while step n runs, watches for losses that are not
 * finite, keeps checkpoints and reports what happens as events. Nothing here knows files other than the run's own.
 */
import { join } from 'node:path';
import { DuetError } from '../core/errors.ts';
import { makeFolder } from '../core/folders.ts';
import type { HostTensor, TensorSource } from '../core/host-tensor.ts';
import type { Tree } from '../core/tree.ts';
import { compile } from '../engine/index.ts';
import type { CompileOptions, Executable } from '../engine/types.ts';
import type { Pixels } from '../image/index.ts';
import { saveSafetensors } from '../weights/write-safetensors.ts';
import { type Checkpoint, checkpointsFolder, hasCheckpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { StageConfig } from './config.ts';
import { learningRate, optimizerScalars, type TrainState } from './optimizer.ts';
import { initialState, mapRecord, type Objective, scalarInputs, stepInputs, trainStep } from './step.ts';

/** What the loop needs of a stage. */
export interface Stage {
  readonly config: StageConfig;
  // biome-ignore lint/suspicious/noExplicitAny: the loop does not look into parameter trees
  readonly objective: Objective<any, any>;
  readonly initialParams: Tree<HostTensor>;
  readonly frozen: Tree<TensorSource>;
  /** The objective's inputs for `step`; a pure function of the step. */
  batch(step: number): Promise<Record<string, HostTensor>>;
  /** Evaluates the averaged parameters: figures, and a grid of samples. */
  sample?(ema: Readonly<Record<string, HostTensor>>, step: number): Promise<StageSample>;
  /** Further strings for the result's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Writes further results beside model.safetensors, whenever that is written. */
  save?(ema: Readonly<Record<string, HostTensor>>, out: string): Promise<void>;
  /** The result inside the run's folder, if `save` writes something better than `model.safetensors`. */
  readonly result?: string;
  release?(): Promise<void>;
}

export interface StageSample {
  readonly metrics: Readonly<Record<string, number>>;
  readonly picture?: Pixels;
}

export interface StepEvent {
  readonly type: 'step';
  /** Steps done, of `steps`. */
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly lr: number;
  /** Of this session. */
  readonly samplesPerSecond: number;
  readonly secondsLeft: number;
  /** Fraction of this session's time in which the step waited for its batch. */
  readonly waitingShare: number;
  /** Training time of the whole run. */
  readonly seconds: number;
}

export type TrainEvent =
  | { readonly type: 'start'; readonly step: number; readonly steps: number; readonly parameters: number }
  | StepEvent
  | { readonly type: 'sample'; readonly step: number; readonly sample: StageSample }
  | { readonly type: 'checkpoint'; readonly step: number; readonly file: string }
  | { readonly type: 'done'; readonly step: number; readonly model: string; readonly seconds: number };

export interface TrainOptions {
  /** The run's folder. */
  readonly out: string;
  /** Continue from the newest checkpoint in `out`, if there is one. @default false */
  readonly resume?: boolean;
  readonly engine?: Pick<CompileOptions, 'device' | 'threads'>;
  readonly signal?: AbortSignal;
  /** Milliseconds; passed in for tests. @default performance.now */
  readonly now?: () => number;
}

/**
 * Keys of a configuration that may differ when a run is resumed. `steps` and `curriculum` change the rest of the run's
 * schedule; the others change nothing that is computed.
 */
export const freeConfigKeys = ['steps', 'curriculum', 'checkpointSeconds', 'sampleEvery'] as const;

/**
 * Trains `stage` and yields what happens. An abort saves a checkpoint, then throws the signal's reason.
 * @throws DuetError `non-finite-loss` (the last checkpoint stays), `checkpoint-mismatch`
 */
export async function* train(stage: Stage, options: TrainOptions): AsyncGenerator<TrainEvent, void> {
  const { config } = stage;
  const { out, signal, now = () => performance.now() } = options;
  const folder = join(out, checkpointsFolder);
  await makeFolder(out);
  const restored = await startingPoint(folder, config, options.resume ?? false);
  const state = initialState(stage.initialParams);
  const executable = await compileStep(stage, state, options);
  try {
    if (restored) await executable.writeState(restored.state);
    const before = restored?.seconds ?? 0;
    const first = restored?.step ?? 0;
    yield { type: 'start', step: first, steps: config.steps, parameters: countParameters(state.params) };
    const started = now();
    let lastSaved = started;
    let waited = 0;
    let savedStep = first;
    let firstStep = 0;
    const seconds = () => before + (now() - started) / 1000;
    const save = async (step: number): Promise<TrainEvent> => {
      const tensors = await executable.readState();
      await writeModel(stage, tensors, out, step, seconds());
      const file = await saveCheckpoint(
        folder,
        { step, seed: config.seed, seconds: seconds(), state: tensors },
        config,
      );
      lastSaved = now();
      savedStep = step;
      return { type: 'checkpoint', step, file };
    };
    let upcoming = stage.batch(first);
    for (let step = first; step < config.steps; step++) {
      const waitingSince = now();
      const batch = await upcoming;
      waited += now() - waitingSince;
      const lr = learningRate(config.optimizer, step, config.steps);
      const inputs = { ...batch, ...scalarInputs(optimizerScalars(config.optimizer, step, lr)) };
      const running = executable.run(inputs);
      upcoming = step + 1 < config.steps ? stage.batch(step + 1) : Promise.resolve({});
      upcoming.catch(() => {}); // awaited in the next round; must not be reported as unhandled before
      const { loss, ...metrics } = mapRecord(await running, tensor => tensor.data[0]!) as { loss: number };
      assertFinite(loss, metrics, step);
      const done = step + 1;
      const elapsed = now() - started;
      // The first step records the program and loads it: no measure of the others.
      if (step === first) firstStep = elapsed;
      const perStep = step === first ? elapsed : (elapsed - firstStep) / (step - first);
      yield {
        type: 'step',
        step: done,
        steps: config.steps,
        loss,
        metrics,
        lr,
        samplesPerSecond: ((done - first) * config.batch * 1000) / elapsed,
        secondsLeft: ((config.steps - done) * perStep) / 1000,
        waitingShare: waited / elapsed,
        seconds: seconds(),
      };
      if (signal?.aborted) {
        yield await save(done);
        signal.throwIfAborted();
      }
      if (now() - lastSaved > config.checkpointSeconds * 1000) yield await save(done);
      if (stage.sample && (done % config.sampleEvery === 0 || done === config.steps)) {
        yield { type: 'sample', step: done, sample: await stage.sample(emaOf(await executable.readState()), done) };
      }
    }
    if (savedStep < config.steps) yield await save(config.steps);
    yield { type: 'done', step: config.steps, model: join(out, stage.result ?? modelName), seconds: seconds() };
  } finally {
    await executable.release();
    await stage.release?.();
  }
}

/** The result of a run in its folder: averaged parameters. */
const modelName = 'model.safetensors';

/**
 * The checkpoint to go on from, if any. A new run never begins among another one's checkpoints: they would be taken
 * for its own.
 */
async function startingPoint(folder: string, config: StageConfig, resume: boolean): Promise<Checkpoint | undefined> {
  if (!resume) {
    if (!(await hasCheckpoint(folder))) return undefined;
    throw new DuetError(
      'invalid-argument',
      `${folder} holds checkpoints of an earlier run: --resume goes on from them, another --out begins anew`,
    );
  }
  const checkpoint = await loadCheckpoint(folder, config, freeConfigKeys);
  if (checkpoint && checkpoint.step > config.steps) {
    throw new DuetError(
      'invalid-argument',
      `The checkpoint in ${folder} has ${checkpoint.step} steps behind it, more than the ${config.steps} asked for`,
    );
  }
  return checkpoint;
}

async function compileStep(stage: Stage, state: TrainState<HostTensor>, options: TrainOptions): Promise<Executable> {
  const program = trainStep(stage.objective, stage.initialParams, stage.config.optimizer);
  return compile(
    program,
    { params: stage.frozen, state, inputs: stepInputs(stage.objective) },
    { ...options.engine, name: `train-${stage.config.stage}` },
  );
}

async function writeModel(
  stage: Stage,
  state: Readonly<Record<string, HostTensor>>,
  out: string,
  step: number,
  seconds: number,
): Promise<void> {
  const { config, metadata } = stage;
  const ema = emaOf(state);
  await saveSafetensors(join(out, modelName), ema, {
    metadata: {
      format: 'duet-stage-1',
      stage: config.stage,
      step: `${step}`,
      seconds: seconds.toFixed(0),
      config: JSON.stringify(config),
      ...metadata,
    },
  });
  await stage.save?.(ema, out);
}

/** The averaged parameters in a state read from the engine. */
function emaOf(state: Readonly<Record<string, HostTensor>>): Record<string, HostTensor> {
  const entries = Object.entries(state).filter(([name]) => name.startsWith('ema.'));
  return Object.fromEntries(entries.map(([name, tensor]) => [name.slice('ema.'.length), tensor]));
}

function countParameters(params: Readonly<Record<string, HostTensor>>): number {
  return Object.values(params).reduce((sum, { data }) => sum + data.length, 0);
}

function assertFinite(loss: number, metrics: Readonly<Record<string, number>>, step: number): void {
  const gradientNorm = metrics['gradientNorm'] ?? 0;
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) return;
  throw new DuetError(
    'non-finite-loss',
    `Step ${step + 1} gave loss ${loss} and gradient norm ${gradientNorm}. The last checkpoint is untouched, but resuming ` +
      'would repeat the same steps: train under another --out with a lower optimizer.lr, a smaller clipNorm or a longer warmup',
  );
}
