/** `duet interpolate`: the way from one picture or caption to another, as a strip and as an animation. */
import { join } from 'node:path';
import type { Command } from 'commander';
import { encodeAnimation, withParameters } from '../image/index.ts';
import { standards } from '../pipelines/index.ts';
import { callOptions } from './call-options.ts';
import { readPictureOrCaption } from './inputs.ts';
import { checkOutput, isFolder, parametersOf, printReport, type Report, save, writePictures } from './output.ts';
import { addSamplingOptions, type CommandContext, type SamplingFlags, sampleReport } from './sampling-command.ts';

export function registerInterpolate(program: Command, context: CommandContext): void {
  const command = program
    .command('interpolate')
    .description('lead from one picture or caption to another: a strip, and an animation (.webp)')
    .argument('<from>', 'a picture file, - for one on standard input, or a caption')
    .argument('<to>', 'likewise');
  addSamplingOptions(command, 'interpolate')
    .addHelpText(
      'after',
      '\nWith --out x.webp only the animation is written, with x.png the strip and x.webp beside it.',
    )
    .action((from: string, to: string, flags: SamplingFlags) => run(context, from, to, flags));
}

async function run(context: CommandContext, from: string, to: string, flags: SamplingFlags): Promise<void> {
  const { terminal } = context;
  const { frames = standards.frames } = callOptions(flags);
  await checkOutput(flags);
  const report = await sampleReport(context, 'interpolate', flags, async (duet, options) => {
    const [first, last] = [await readPictureOrCaption(terminal, from), await readPictureOrCaption(terminal, to)];
    const prompts = {
      ...(first.prompt !== undefined && { prompt: first.prompt }),
      ...(last.prompt !== undefined && { prompt2: last.prompt }),
    };
    const pictures = {
      ...(first.image !== undefined && { image: first.image }),
      ...(last.image !== undefined && { image2: last.image }),
    };
    const result = await duet.run('interpolate', { ...prompts, ...pictures }, { ...options, frames });
    return { ...result, asked: { ...prompts, frames } };
  });
  const animation = await animationName(report, flags.out);
  const strip = { ...flags, columns: flags.columns ?? frames };
  const files = animation === flags.out ? [] : await writePictures(terminal, report, strip);
  if (animation !== undefined) await writeAnimation(report, animation, flags.enlarge);
  await printReport(terminal, report, animation === undefined ? files : [...files, animation], flags);
}

/** Into a folder goes one animation beside the frames, beside a strip one of the same name; standard output has no room. */
async function animationName({ samples }: Report, out: string | undefined): Promise<string | undefined> {
  if (out === '-') return undefined;
  const name = `interpolate-${samples[0]!.seed}.webp`;
  if (out === undefined) return name;
  return (await isFolder(out)) ? join(out, name) : out.replace(/(\.[a-z]+)?$/i, '.webp');
}

async function writeAnimation(report: Report, file: string, enlarge: number): Promise<void> {
  const frames = report.samples.flatMap(({ image }) => (image ? [image.enlarge(enlarge)] : []));
  const parameters = parametersOf(report, frames[0]!, report.samples[0]!, frames.length);
  await save(file, withParameters(await encodeAnimation(frames), parameters));
}
