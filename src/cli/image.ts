/** `duet image`: imagine pictures. */
import type { Command } from 'commander';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

export function registerImage(program: Command, context: CommandContext): void {
  const command = program.command('image').description('imagine pictures');
  addSamplingOptions(command, 'i').action((flags: SamplingFlags) =>
    runSampling(context, 'image', flags, (duet, options) => duet.run('i', {}, options)),
  );
}
