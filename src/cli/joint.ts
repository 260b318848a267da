/** `duet joint`: imagine pictures together with their captions. */
import type { Command } from 'commander';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

export function registerJoint(program: Command, context: CommandContext): void {
  const command = program.command('joint').description('imagine pictures together with their captions');
  addSamplingOptions(command, 'joint').action((flags: SamplingFlags) =>
    runSampling(context, 'joint', flags, (duet, options) => duet.run('joint', {}, options)),
  );
}
