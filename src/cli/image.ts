/** `duet image`: imagine pictures. */
import type { Command } from 'commander';
import type { ImagineOptions } from '../pipelines/index.ts';
import { orderOption } from './options.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

export function registerImage(program: Command, context: CommandContext): void {
  const command = program.command('image').description('imagine pictures').addOption(orderOption());
  addSamplingOptions(command, 'pictures').action(({ order, ...flags }: SamplingFlags & ImagineOptions) =>
    runSampling(context, 'image', flags, (duet, options) => duet.image({ ...options, ...(order && { order }) })),
  );
}
