/** `duet eval`: measure a model on seen and held-out scenes. */
import { type Command, Option } from 'commander';
import { evaluate } from '../emoji/measures/evaluate.ts';
import { type MeasureName, measureNames } from '../emoji/measures/run.ts';
import { sceneGroups } from '../emoji/scenes/scene.ts';
import { loadSprites } from '../emoji/scenes/sprites.ts';
import { type Figure, kindTable, markdownTable } from '../eval/report.ts';
import { measureSpeed } from '../eval/speed.ts';
import type { Precision } from '../index.ts';
import { loadEvalModel, type NetworkChoice } from '../pipelines/index.ts';
import { callOption } from './call-options.ts';
import { jsonOption, modelOption, precisionOption, threadsOption, wholeNumber } from './options.ts';
import { checkFile, save } from './output.ts';
import { createProgressBar } from './progress-bar.ts';
import type { CommandContext } from './sampling-command.ts';
import { type Terminal, write } from './terminal.ts';

interface EvalFlags {
  readonly model: string;
  readonly precision: Precision;
  readonly threads?: number;
  readonly count: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly network?: NetworkChoice;
  readonly measures?: (MeasureName | 'speed')[];
  readonly out?: string;
  readonly json: boolean;
}

export function registerEval(program: Command, { terminal }: CommandContext): void {
  program
    .command('eval')
    .description('measure a model on seen and held-out scenes')
    .addOption(modelOption())
    .addOption(new Option('-n, --count <number>', 'items of each measure').argParser(wholeNumber(1, 1e5)).default(500))
    .addOption(new Option('--seed <number>', 'seed of scenes and samples').argParser(wholeNumber(0, 2 ** 31)))
    .addOption(callOption('t2i', 'steps'))
    .addOption(callOption('t2i', 'network'))
    .addOption(new Option('--measures <names...>', 'only these').choices([...measureNames, 'speed']))
    .addOption(new Option('-o, --out <file>', 'write the tables (Markdown) there as well'))
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action((flags: EvalFlags) => runEval(terminal, flags));
}

async function runEval(terminal: Terminal, flags: EvalFlags): Promise<void> {
  if (flags.out !== undefined) await checkFile(flags.out);
  const { signal } = terminal;
  const { model: name, precision, threads, count, seed, steps, network, measures = [...measureNames, 'speed'] } = flags;
  const loadOptions = { signal, precision, ...(threads !== undefined && { threads }), ...(network && { network }) };
  const bar = createProgressBar(terminal.stderr, 'eval');
  const judged = measures.filter((measure): measure is MeasureName => measure !== 'speed');
  const model = await loadEvalModel(name, loadOptions);
  const figures: Figure[] = [];
  try {
    // First of all: its cold figure is that of a model that has not drawn yet.
    const clock = () => performance.now();
    const speed = measures.includes('speed') ? await measureSpeed(model, { clock, signal }) : [];
    const judgedFigures = await evaluate(model, {
      sprites: await loadSprites(model.imageSize),
      count,
      measures: judged,
      signal,
      ...(seed !== undefined && { seed }),
      ...(steps !== undefined && { steps }),
      onProgress: ({ measure, split, done, total }) => bar.update(done, total, `${measure} ${split}`),
    });
    figures.push(...judgedFigures, ...speed);
  } finally {
    bar.clear();
    await model.release();
  }
  const tables = `${markdownTable(figures)}\n${kindTable(figures, sceneGroups)}`;
  if (flags.out !== undefined) await save(flags.out, tables);
  await write(terminal.stdout, flags.json ? `${JSON.stringify(figures, undefined, 2)}\n` : tables);
}
