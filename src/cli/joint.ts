/** `duet joint`: imagine pictures together with their captions. */
import { type Command, Option } from 'commander';
import type { JointOrder } from '../pipeline/index.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

export function registerJoint(program: Command, context: CommandContext): void {
  const command = program
    .command('joint')
    .description('imagine pictures together with their captions')
    .addOption(
      new Option('--order <order>', "both at once or the caption first (default: the model's)").choices([
        'together',
        'text-first',
      ] satisfies JointOrder[]),
    );
  addSamplingOptions(command, 'pictures').action((flags: SamplingFlags & { readonly order?: JointOrder }) =>
    runSampling(context, 'joint', flags, (duet, options) =>
      duet.joint({ ...options, ...(flags.order && { order: flags.order }) }),
    ),
  );
}
