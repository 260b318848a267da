/** `duet vary`: draw variations of a picture, by way of its description. */
import type { Command } from 'commander';
import { readPicture } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling } from './sampling-command.ts';

export function registerVary(program: Command, context: CommandContext): void {
  const command = program
    .command('vary')
    .description('draw variations of a picture, by way of its description')
    .argument('<picture>', 'a picture file, or - to read it from standard input');
  addSamplingOptions(command, 'pictures').action(async (argument, flags) =>
    runSampling(context, 'vary', flags, async (duet, options) =>
      duet.vary(await readPicture(context.terminal, argument), options),
    ),
  );
}
