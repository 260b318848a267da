/** `duet joint`: imagine pictures together with their captions. */
import type { Command } from 'commander';
import type { ImagineOptions } from '../pipelines/index.ts';
import { orderOption } from './options.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

export function registerJoint(program: Command, context: CommandContext): void {
  const command = program
    .command('joint')
    .description('imagine pictures together with their captions')
    .addOption(orderOption());
  addSamplingOptions(command, 'pictures').action(({ order, ...flags }: SamplingFlags & ImagineOptions) =>
    runSampling(context, 'joint', flags, (duet, options) => duet.joint({ ...options, ...(order && { order }) })),
  );
}
