/** `duet vary`: draw variations of a picture, by way of its description. */
import type { Command } from 'commander';
import { readCaption, readPicture } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

interface VaryFlags extends SamplingFlags {
  readonly caption?: string;
}

export function registerVary(program: Command, context: CommandContext): void {
  const command = program
    .command('vary')
    .description('draw variations of a picture, by way of its description')
    .argument('<picture>', 'a picture file or its address (https://...), or - to read it from standard input')
    .option('--caption <caption>', "what the variations show (default: the model's own description)");
  addSamplingOptions(command, 'i2t2i').action((argument: string, flags: VaryFlags) =>
    runSampling(context, 'vary', flags, async (duet, options) => {
      const image = await readPicture(context.terminal, argument);
      if (flags.caption === undefined) return duet.run('i2t2i', { image }, options);
      const prompt = await readCaption(context.terminal, flags.caption);
      return { ...(await duet.run('i2t2i', { image, prompt }, options)), asked: { prompt } };
    }),
  );
}
