/** `duet gibbs`: a chain of pictures and captions, each drawn from the one before. */
import { type Command, Option } from 'commander';
import { readCaption, readPictureOrCaption } from './inputs.ts';
import { wholeNumber } from './options.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

interface GibbsFlags extends SamplingFlags {
  readonly rounds: number;
  readonly caption?: string;
}

export function registerGibbs(program: Command, context: CommandContext): void {
  const command = program
    .command('gibbs')
    .description('draw picture and caption from one another in turns, and show the whole chain')
    .argument('[start]', 'a caption, a picture file, or - for a picture on standard input (default: out of nothing)')
    .addOption(
      new Option('--rounds <number>', 'how often both are drawn again').argParser(wholeNumber(1, 1000)).default(4),
    )
    .option('--caption <caption>', 'the caption of a picture to start with');
  addSamplingOptions(command, 'pictures').action(async (argument: string | undefined, flags: GibbsFlags) => {
    const columns = flags.columns ?? flags.rounds + 1; // a row for each chain
    await runSampling(context, 'gibbs', { ...flags, columns }, async (duet, options) => {
      const { rounds } = flags;
      const start = {
        ...(argument !== undefined && (await readPictureOrCaption(context.terminal, argument))),
        ...(flags.caption !== undefined && { caption: await readCaption(context.terminal, flags.caption) }),
      };
      const result = await duet.gibbs(start, { ...options, rounds });
      return { ...result, asked: { ...(start.caption !== undefined && { prompt: start.caption }), rounds } };
    });
  });
}
