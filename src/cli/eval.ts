/** `duet eval`: measure a model on seen and held-out scenes. */
import { type Command, Option } from 'commander';
import { DuetError } from '../core/errors.ts';
import { chatMeasureNames } from '../emoji/chat-measures/run.ts';
import { evaluate } from '../emoji/measures/evaluate.ts';
import { type MeasureName, measureNames } from '../emoji/measures/run.ts';
import { sceneGroups } from '../emoji/scenes/scene.ts';
import { loadSprites } from '../emoji/scenes/sprites.ts';
import { type Figure, kindTable, markdownTable } from '../eval/report.ts';
import { measureSpeed } from '../eval/speed.ts';
import type { Precision } from '../index.ts';
import { describeModel, loadEvalModel, type NetworkChoice } from '../pipelines/index.ts';
import { callOption } from './call-options.ts';
import { measureChat } from './eval-chat.ts';
import { jsonOption, modelOption, precisionOption, threadsOption, wholeNumber } from './options.ts';
import { checkFile, save } from './output.ts';
import { createProgressBar } from './progress-bar.ts';
import type { CommandContext } from './sampling-command.ts';
import { type Terminal, write } from './terminal.ts';

/** Side of the scenes that a model is shown which draws none, in pixels. */
const scenesSide = 64;

export interface EvalFlags {
  readonly model: string;
  readonly precision: Precision;
  readonly threads?: number;
  readonly count: number;
  readonly seed?: number;
  readonly steps?: number;
  readonly network?: NetworkChoice;
  readonly measures?: string[];
  readonly out?: string;
  readonly json: boolean;
}

export function registerEval(program: Command, { terminal }: CommandContext): void {
  program
    .command('eval')
    .description('measure a model on scenes that training has seen and others, or on dialogues about them')
    .addOption(modelOption())
    .addOption(new Option('-n, --count <number>', 'items of each measure').argParser(wholeNumber(1, 1e5)).default(500))
    .addOption(new Option('--seed <number>', 'seed of scenes and samples').argParser(wholeNumber(0, 2 ** 31)))
    .addOption(callOption('t2i', 'steps'))
    .addOption(callOption('t2i', 'network'))
    .addOption(
      new Option('--measures <names...>', 'only these').choices([
        ...new Set([...measureNames, ...chatMeasureNames, 'speed']),
      ]),
    )
    .addOption(new Option('-o, --out <file>', 'write the tables (Markdown) there as well'))
    .addOption(precisionOption())
    .addOption(threadsOption())
    .addOption(jsonOption())
    .action((flags: EvalFlags) => runEval(terminal, flags));
}

async function runEval(terminal: Terminal, flags: EvalFlags): Promise<void> {
  if (flags.out !== undefined) await checkFile(flags.out);
  const { description } = await describeModel(flags.model);
  const { figures, appendix } = description.dialogue
    ? await measureChat(terminal, flags, description.imageSize ?? scenesSide, chosen(flags, chatMeasureNames))
    : { figures: await measureScenes(terminal, flags, chosen(flags, measureNames)), appendix: '' };
  const tables = `${markdownTable(figures)}\n${kindTable(figures, sceneGroups)}${appendix}`;
  if (flags.out !== undefined) await save(flags.out, tables);
  await write(terminal.stdout, flags.json ? `${JSON.stringify(figures, undefined, 2)}\n` : tables);
}

/** The measures asked for. @throws DuetError 'invalid-argument' for one that is not of this kind of model */
function chosen<M extends string>(
  { measures, model }: EvalFlags,
  known: readonly M[],
): readonly (M | 'speed')[] | undefined {
  const all = [...known, 'speed'] as const;
  const wrong = measures?.find(name => !all.some(measure => measure === name));
  if (wrong === undefined) return measures as readonly (M | 'speed')[] | undefined; // each is one of all
  throw new DuetError('invalid-argument', `Measures of ${model} are ${all.join(', ')}, got ${wrong}`, {
    field: 'measures',
  });
}

async function measureScenes(
  { signal, stderr }: Terminal,
  { model: name, precision, threads, count, seed, steps, network }: EvalFlags,
  measures: readonly (MeasureName | 'speed')[] = [...measureNames, 'speed'],
): Promise<Figure[]> {
  const loadOptions = { signal, precision, ...(threads !== undefined && { threads }), ...(network && { network }) };
  const bar = createProgressBar(stderr, 'eval');
  const model = await loadEvalModel(name, loadOptions);
  try {
    // First of all: its cold figure is that of a model that has not drawn yet.
    const clock = () => performance.now();
    const speed = measures.includes('speed')
      ? await measureSpeed(model, { clock, signal, ...(steps !== undefined && { steps }) })
      : [];
    const judged = await evaluate(model, {
      sprites: await loadSprites(model.imageSize),
      count,
      measures: measures.filter(measure => measure !== 'speed'),
      signal,
      ...(seed !== undefined && { seed }),
      ...(steps !== undefined && { steps }),
      onProgress: ({ measure, split, done, total }) => bar.update(done, total, `${measure} ${split}`),
    });
    return [...judged, ...speed];
  } finally {
    bar.clear();
    await model.release();
  }
}
