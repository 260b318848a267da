/** What the sampling commands share: options, loading the model, progress, warnings and output. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { type Device, inference, type Pipeline, type Precision } from '../index.ts';
import {
  type CallMode,
  type CallOptions,
  type CallResult,
  callOf,
  type LoadOptions,
  type RunControls,
  unfamiliarNotice,
} from '../pipelines/index.ts';
import { addCallOptions, callOptions } from './call-options.ts';
import * as option from './options.ts';
import { checkOutput, type OutputFlags, type Report, writeResult } from './output.ts';
import { createProgressBar } from './progress-bar.ts';
import { type Terminal, write } from './terminal.ts';

/** What commands are given: the outside world and the way to a model. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly load: (model: string, options: LoadOptions) => Promise<Pipeline>;
}

export interface ModelFlags {
  readonly model: string;
  readonly device: Device;
  readonly precision: Precision;
  readonly threads?: number;
  readonly maxMemory?: number;
}

/** Options of a model's `run`. */
type RunOptions = RunControls & Readonly<Record<string, unknown>>;

/** Flags of a call: those of its options stand beside these, by the names that commander gives them. */
export interface SamplingFlags extends ModelFlags, OutputFlags {}

function addModelOptions(command: Command): Command {
  return command
    .addOption(option.modelOption())
    .addOption(option.deviceOption())
    .addOption(option.precisionOption())
    .addOption(option.threadsOption())
    .addOption(option.maxMemoryOption())
    .addOption(option.jsonOption());
}

/** Adds the options of the call `mode` to `command`, and those about picture files where it writes any. */
export function addSamplingOptions(
  command: Command,
  mode: CallMode,
  writes: 'pictures' | 'captions' = callOf(mode).spec.makes === 'captions' ? 'captions' : 'pictures',
): Command {
  addCallOptions(command, mode);
  if (writes === 'pictures') {
    command.addOption(option.outOption()).addOption(option.columnsOption()).addOption(option.enlargeOption());
  }
  return addModelOptions(command);
}

/** Loads the model that `flags` name, lets `use` work with it and releases it whatever happens. */
export async function withModel<T>(
  { terminal, load }: CommandContext,
  { model, device, precision, threads, maxMemory = 0 }: ModelFlags,
  use: (duet: Pipeline) => Promise<T>,
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
  sample: (duet: Pipeline, options: RunOptions) => Promise<Report>,
): Promise<void> {
  await checkOutput(flags);
  await writeResult(context.terminal, await sampleReport(context, label, flags, sample), flags);
}

/** The first part of `runSampling`: loads, samples with a progress bar, and warns of captions and pictures given. */
export async function sampleReport(
  context: CommandContext,
  label: string,
  flags: SamplingFlags,
  sample: (duet: Pipeline, options: RunOptions) => Promise<Report>,
): Promise<Report> {
  const { terminal } = context;
  const asked = callOptions(flags);
  const made = await withModel(context, flags, async duet => {
    const bar = createProgressBar(terminal.stderr, label);
    try {
      return await sample(duet, {
        ...asked,
        signal: terminal.signal,
        onProgress: event => {
          if (event.type === 'step-progress') bar.update(event.step, event.total);
        },
      });
    } finally {
      bar.clear();
    }
  });
  await warnOfInputs(terminal, made);
  return { ...made, asked: { ...beyondSettings(asked, made), ...made.asked } };
}

/** Tells which words the model has to guess, whether it read all of them, and whether a picture is unlike what it knows. */
async function warnOfInputs(terminal: Terminal, result: CallResult): Promise<void> {
  const words = result.unknownWords.map(word => `"${word}"`).join(', ');
  const warnings = [
    ...(words === '' ? [] : [`the model does not know ${words}; it can only guess from the letters`]),
    ...(result.captionCut ? ['the caption is longer than the model reads; its end was ignored'] : []),
    ...(result.isFamiliar === false ? [unfamiliarNotice] : []),
  ];
  for (const warning of warnings) await write(terminal.stderr, `${pc.yellow('Warning:')} ${warning}\n`);
}

/** Options that were given and are not among the settings that a result tells anyway. */
function beyondSettings({ n: _n, seed: _seed, ...asked }: CallOptions, { settings }: Report): object {
  return Object.fromEntries(Object.entries(asked).filter(([name]) => !Object.hasOwn(settings, name)));
}
