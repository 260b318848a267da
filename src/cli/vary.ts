/** `duet vary`: draw variations of a picture, by way of its description. */
import type { Command } from 'commander';
import { readCaption, readPicture } from './inputs.ts';
import { strengthOption } from './options.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

interface VaryFlags extends SamplingFlags {
  readonly strength?: number;
  readonly caption?: string;
}

export function registerVary(program: Command, context: CommandContext): void {
  const command = program
    .command('vary')
    .description('draw variations of a picture, by way of its description')
    .argument('<picture>', 'a picture file or its address (https://...), or - to read it from standard input')
    .addOption(strengthOption())
    .option('--caption <caption>', "what the variations show (default: the model's own description)");
  addSamplingOptions(command, 'pictures').action((argument: string, flags: VaryFlags) =>
    runSampling(context, 'vary', flags, async (duet, options) => {
      const { strength, caption: given } = flags;
      const picture = await readPicture(context.terminal, argument);
      const caption = given === undefined ? undefined : await readCaption(context.terminal, given);
      const own = { ...(strength !== undefined && { strength }), ...(caption !== undefined && { caption }) };
      const result = await duet.vary(picture, { ...options, ...own });
      return {
        ...result,
        asked: { ...(strength !== undefined && { strength }), ...(caption !== undefined && { prompt: caption }) },
      };
    }),
  );
}
