/** `duet train`: run one training stage from its configuration, with a progress line, metrics, checkpoints and a report. */
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { DuetError } from '../core/errors.ts';
import { checkFolder, makeFolder } from '../core/folders.ts';
import { readTextFile } from '../core/text.ts';
import type { Device } from '../engine/index.ts';
import { encodeImage, enlarge } from '../image/index.ts';
import { embeddedModel } from '../pipelines/index.ts';
import {
  absolutePaths,
  appendMetrics,
  checkpointsFolder,
  createStage,
  cutMetrics,
  fineTuneConfig,
  parseStageConfig,
  type StageConfig,
  type StepEvent,
  samplesFolder,
  type TrainEvent,
  train,
  writeReport,
} from '../train/index.ts';
import { deviceOption, threadsOption, wholeNumber } from './options.ts';
import { isFolder } from './output.ts';
import { createProgressBar, type ProgressBar } from './progress-bar.ts';
import type { Terminal } from './terminal.ts';

interface TrainFlags {
  readonly data?: string;
  readonly from?: string;
  readonly out?: string;
  readonly resume: boolean;
  readonly steps?: number;
  readonly device: Device;
  readonly threads?: number;
  readonly cache: string;
}

/** Steps between lines in metrics.jsonl, and seconds between lines on a stream that is no terminal. */
const metricsEvery = 10;
const lineSeconds = 15;

const examples = `
Learning rate and curriculum follow a schedule over all steps. A run resumed with another --steps is on another schedule
from there on, and ends with other weights than one that had that number from the beginning.

Examples:
  $ duet train configs/emoji/01-autoencoder.json
  $ duet train configs/emoji/01-autoencoder.json --resume
  $ duet train --data ./my-pictures --from emoji
  $ duet t2i "my cat on a red background" --model runs/emoji-my-pictures/model
`;

export function registerTrain(program: Command, { terminal }: { readonly terminal: Terminal }): void {
  program
    .command('train')
    .description(
      'train one stage of a model (autoencoder, clip, caption-decoder, joint, unet, chat, minigpt5), or a finished model further on your pairs',
    )
    .argument('[config]', 'a stage configuration, such as configs/emoji/01-autoencoder.json')
    .option(
      '--data <folder>',
      'instead of a configuration: pictures with captions beside them or in a metadata.jsonl or .csv',
    )
    .option('--from <model>', 'with --data: the model to begin with, by name or folder (default: emoji)')
    .option('-o, --out <folder>', 'folder of the run (default: runs/NAME)')
    .option('--resume', 'go on from the newest checkpoint in the folder', false)
    .option(
      '--steps <number>',
      'train for this many steps; with --resume, a number other than the run began with moves the rest of its schedule',
      wholeNumber(1, 1e9),
    )
    .option('--cache <folder>', 'where latents are kept', 'runs/.cache')
    .addOption(deviceOption())
    .addOption(threadsOption())
    .addHelpText('after', examples)
    .action((file: string | undefined, flags: TrainFlags) => runTraining(terminal, file, flags));
}

async function runTraining(terminal: Terminal, file: string | undefined, flags: TrainFlags): Promise<void> {
  const config = await chooseConfig(file, flags);
  const out = flags.out ?? (await defaultFolder(file, config.name));
  for (const folder of [out, flags.cache]) await checkFolder(folder);
  const engine = { device: flags.device, ...(flags.threads !== undefined && { threads: flags.threads }) };
  const bar = createProgressBar(terminal.stderr, config.name);
  try {
    const stage = await createStage(config, {
      engine,
      cache: flags.cache,
      signal: terminal.signal,
      onWarning: message => {
        bar.clear();
        terminal.stderr.write(`${pc.yellow('Warning:')} ${message}\n`);
      },
      onProgress: (message, share) => bar.update(Math.round(share * 100), 100, `% ${message}`),
    });
    const show = progressPrinter(terminal, bar);
    for await (const event of train(stage, { out, resume: flags.resume, engine, signal: terminal.signal })) {
      await record(event, out, config);
      show(event);
    }
  } finally {
    bar.clear();
  }
}

async function chooseConfig(file: string | undefined, flags: TrainFlags): Promise<StageConfig> {
  const { data, from, steps } = flags;
  if (file !== undefined && data === undefined && from === undefined) return readConfig(file, steps);
  if (file === undefined && data !== undefined) {
    return fineTuneConfig(data, from ?? embeddedModel, steps === undefined ? {} : { steps });
  }
  throw new DuetError(
    'invalid-argument',
    'Give either a configuration (duet train configs/emoji/01-autoencoder.json) ' +
      'or pictures with captions (duet train --data ./my-pictures --from emoji)',
  );
}

/** Where the run is, if `file` is the configuration that a run keeps beside its checkpoints; otherwise runs/NAME. */
async function defaultFolder(file: string | undefined, name: string): Promise<string> {
  if (file === undefined || basename(file) !== 'config.json') return join('runs', name);
  return (await isFolder(join(dirname(file), checkpointsFolder))) ? dirname(file) : join('runs', name);
}

async function readConfig(file: string, steps: number | undefined): Promise<StageConfig> {
  let json: unknown;
  try {
    json = JSON.parse(await readTextFile(file, 'invalid-config'));
  } catch (error) {
    if (DuetError.isInstance(error)) throw error;
    throw new DuetError('invalid-config', `Cannot read ${file}: ${(error as Error).message}`, { cause: error });
  }
  const config = await absolutePaths(parseStageConfig(json, file));
  return steps === undefined ? config : { ...config, steps };
}

/** Keeps what an event says in the run's folder. */
async function record(event: TrainEvent, out: string, config: StageConfig): Promise<void> {
  switch (event.type) {
    case 'start':
      await makeFolder(join(out, samplesFolder));
      await writeFile(join(out, 'config.json'), `${JSON.stringify(config, undefined, 2)}\n`);
      return cutMetrics(out, event.step);
    case 'step': {
      const { step, loss, lr, seconds, samplesPerSecond, waitingShare, metrics } = event;
      if (step % metricsEvery !== 0 && step !== event.steps) return;
      return appendMetrics(out, { kind: 'train', step, loss, ...metrics, lr, seconds, samplesPerSecond, waitingShare });
    }
    case 'sample': {
      const { metrics, picture } = event.sample;
      await appendMetrics(out, { kind: 'sample', step: event.step, ...metrics });
      if (picture) {
        const file = join(out, samplesFolder, `step-${String(event.step).padStart(8, '0')}.png`);
        await writeFile(file, await encodeImage(picture.width < 600 ? enlarge(picture, 2) : picture));
      }
      return writeReport(out, config.name);
    }
    case 'checkpoint':
    case 'done':
      return writeReport(out, config.name);
  }
}

/** A bar on a terminal; elsewhere a line every few seconds and for everything that is not a step. */
function progressPrinter({ stderr }: Terminal, bar: ProgressBar): (event: TrainEvent) => void {
  let lastLine = 0;
  const say = (line: string) => {
    bar.clear();
    stderr.write(`${line}\n`);
  };
  return event => {
    switch (event.type) {
      case 'start':
        return say(`${event.parameters} parameters, from step ${event.step} to ${event.steps}`);
      case 'step': {
        bar.update(event.step, event.steps, stepText(event));
        const second = performance.now() / 1000;
        if (stderr.isTTY || second - lastLine < lineSeconds) return;
        lastLine = second;
        return say(`step ${event.step}/${event.steps}  ${stepText(event)}`);
      }
      case 'sample':
        return say(`step ${event.step}  ${figures(event.sample.metrics)}`);
      case 'checkpoint':
        return say(`step ${event.step}  checkpoint ${event.file}`);
      case 'done':
        return say(`done after ${duration(event.seconds)}: ${event.model}`);
    }
  };
}

/** What matters most comes first: a narrow terminal cuts the end off. */
function stepText({ loss, metrics, samplesPerSecond, secondsLeft, waitingShare }: StepEvent): string {
  const waiting = `waiting ${(100 * waitingShare).toFixed(0)} %`;
  const speed = `${samplesPerSecond.toFixed(1)} samples/s`;
  return `loss ${loss.toPrecision(4)}  ${duration(secondsLeft)} left  ${speed}  ${waiting}  ${figures(metrics)}`;
}

function figures(metrics: Readonly<Record<string, number>>): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${value.toPrecision(3)}`)
    .join('  ');
}

function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}
