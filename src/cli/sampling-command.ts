/** What the sampling commands share: options, loading the model, progress, warnings and output. */
import type { Command } from 'commander';
import pc from 'picocolors';
import {
  type AnySample,
  type Device,
  inference,
  type LoadOptions,
  type Precision,
  type Result,
  type SamplingOptions,
  type SolverName,
  type UniDiffuser,
} from '../index.ts';
import * as option from './options.ts';
import { checkOutput, type OutputFlags, type Report, writeResult } from './output.ts';
import { createProgressBar } from './progress-bar.ts';
import { type Terminal, write } from './terminal.ts';

/** What commands are given: the outside world and the way to a model. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly load: (model: string, options: LoadOptions) => Promise<UniDiffuser>;
}

export interface ModelFlags {
  readonly model: string;
  readonly device: Device;
  readonly precision: Precision;
  readonly threads?: number;
  readonly maxMemory?: number;
}

export interface SamplingFlags extends ModelFlags, OutputFlags {
  readonly count: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly guidance?: number;
  readonly solver?: SolverName;
  readonly negative?: string;
}

function addModelOptions(command: Command): Command {
  return command
    .addOption(option.modelOption())
    .addOption(option.deviceOption())
    .addOption(option.precisionOption())
    .addOption(option.threadsOption())
    .addOption(option.maxMemoryOption())
    .addOption(option.jsonOption());
}

/** Adds the sampling options to `command`; `pictures` also those about picture files. */
export function addSamplingOptions(command: Command, produces: 'pictures' | 'captions'): Command {
  command
    .addOption(option.countOption())
    .addOption(option.seedOption())
    .addOption(option.stepsOption())
    .addOption(option.guidanceOption())
    .addOption(option.solverOption());
  if (produces === 'pictures') {
    command
      .addOption(option.negativeOption())
      .addOption(option.outOption())
      .addOption(option.columnsOption())
      .addOption(option.enlargeOption());
  }
  return addModelOptions(command);
}

/** Loads the model that `flags` name, lets `use` work with it and releases it whatever happens. */
export async function withModel<T>(
  { terminal, load }: CommandContext,
  { model, device, precision, threads, maxMemory = 0 }: ModelFlags,
  use: (duet: UniDiffuser) => Promise<T>,
): Promise<T> {
  const { signal } = terminal;
  inference.setMaxMemory(maxMemory);
  const duet = await load(model, { device, precision, signal, ...(threads !== undefined && { threads }) });
  try {
    return await use(duet);
  } finally {
    await duet.release();
  }
}

/** Runs one sampling command from its parsed flags to its written result. */
export async function runSampling(
  context: CommandContext,
  label: string,
  flags: SamplingFlags,
  sample: (duet: UniDiffuser, options: SamplingOptions) => Promise<Report>,
): Promise<void> {
  await checkOutput(flags);
  await writeResult(context.terminal, await sampleReport(context, label, flags, sample), flags);
}

/** The first part of `runSampling`: loads, samples with a progress bar, and warns of the caption. */
export async function sampleReport(
  context: CommandContext,
  label: string,
  flags: SamplingFlags,
  sample: (duet: UniDiffuser, options: SamplingOptions) => Promise<Report>,
): Promise<Report> {
  const { terminal } = context;
  const report = await withModel(context, flags, async duet => {
    const bar = createProgressBar(terminal.stderr, label);
    try {
      return await sample(duet, {
        ...samplingOptions(flags),
        signal: terminal.signal,
        onProgress: event => {
          if (event.type === 'step-progress') bar.update(event.step, event.total);
        },
      });
    } finally {
      bar.clear();
    }
  });
  await warnOfCaption(terminal, report);
  return report;
}

/** Tells which words the model has to guess and whether it read all of them. */
async function warnOfCaption(terminal: Terminal, result: Result<AnySample>): Promise<void> {
  const words = result.unknownWords.map(word => `"${word}"`).join(', ');
  const warnings = [
    ...(words === '' ? [] : [`the model does not know ${words}; it can only guess from the letters`]),
    ...(result.captionCut ? ['the caption is longer than the model reads; its end was ignored'] : []),
  ];
  for (const warning of warnings) await write(terminal.stderr, `${pc.yellow('Warning:')} ${warning}\n`);
}

function samplingOptions({ count, seed, steps, guidance, solver, negative }: SamplingFlags): SamplingOptions {
  return {
    n: count,
    ...(seed !== undefined && { seed }),
    ...(steps !== undefined && { steps }),
    ...(guidance !== undefined && { guidance }),
    ...(solver !== undefined && { solver }),
    ...(negative !== undefined && { negative }),
  };
}
