/** `duet t2i`: draw pictures from a caption. */
import type { Command } from 'commander';
import { readCaption } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling } from './sampling-command.ts';

export function registerT2i(program: Command, context: CommandContext): void {
  const command = program
    .command('t2i')
    .description('draw pictures from a caption')
    .argument('<caption>', 'what to draw, or - to read it from standard input');
  addSamplingOptions(command, 't2i').action(async (argument, flags) =>
    runSampling(context, 't2i', flags, async (duet, options) => {
      const prompt = await readCaption(context.terminal, argument);
      return { ...(await duet.run('t2i', { prompt }, options)), asked: { prompt } };
    }),
  );
}
