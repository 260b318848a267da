/** `duet i2t`: describe a picture. */
import type { Command } from 'commander';
import { readPicture } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling } from './sampling-command.ts';

export function registerI2t(program: Command, context: CommandContext): void {
  const command = program
    .command('i2t')
    .description('describe a picture')
    .argument('<picture>', 'a picture file or its address (https://...), or - to read it from standard input');
  addSamplingOptions(command, 'i2t').action(async (argument, flags) =>
    runSampling(context, 'i2t', flags, async (duet, options) =>
      duet.run('i2t', { image: await readPicture(context.terminal, argument) }, options),
    ),
  );
}
