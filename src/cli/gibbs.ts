/** `duet gibbs`: a chain of pictures and captions, each drawn from the one before. */
import type { Command } from 'commander';
import { standards } from '../pipelines/index.ts';
import { callOptions } from './call-options.ts';
import { readCaption, readPictureOrCaption } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

interface GibbsFlags extends SamplingFlags {
  readonly caption?: string;
}

export function registerGibbs(program: Command, context: CommandContext): void {
  const command = program
    .command('gibbs')
    .description('draw picture and caption from one another in turns, and show the whole chain')
    .argument('[start]', 'a caption, a picture file, or - for a picture on standard input (default: out of nothing)')
    .option('--caption <caption>', 'the caption of a picture to start with');
  addSamplingOptions(command, 'gibbs').action(async (argument: string | undefined, flags: GibbsFlags) => {
    const { rounds = standards.rounds } = callOptions(flags);
    const columns = flags.columns ?? rounds + 1; // a row for each chain
    await runSampling(context, 'gibbs', { ...flags, columns }, async (duet, options) => {
      const start = {
        ...(argument !== undefined && (await readPictureOrCaption(context.terminal, argument))),
        ...(flags.caption !== undefined && { prompt: await readCaption(context.terminal, flags.caption) }),
      };
      const result = await duet.run('gibbs', start, { ...options, rounds });
      return { ...result, asked: { ...(start.prompt !== undefined && { prompt: start.prompt }), rounds } };
    });
  });
}
