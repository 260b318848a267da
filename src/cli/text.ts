/** `duet text`: imagine captions. */
import type { Command } from 'commander';
import { addSamplingOptions, type CommandContext, runSampling } from './sampling-command.ts';

export function registerText(program: Command, context: CommandContext): void {
  const command = program.command('text').description('imagine captions');
  addSamplingOptions(command, 't').action(flags =>
    runSampling(context, 'text', flags, (duet, options) => duet.run('t', {}, options)),
  );
}
