/** `duet rephrase`: say a caption in other words, by way of a picture of it. */
import type { Command } from 'commander';
import { readCaption } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling } from './sampling-command.ts';

export function registerRephrase(program: Command, context: CommandContext): void {
  const command = program
    .command('rephrase')
    .description('say a caption in other words, by way of a picture of it')
    .argument('<caption>', 'a caption, or - to read it from standard input');
  addSamplingOptions(command, 't2i2t', 'captions').action(async (argument, flags) =>
    runSampling(context, 'rephrase', flags, async (duet, options) => {
      const result = await duet.run('t2i2t', { prompt: await readCaption(context.terminal, argument) }, options);
      return { ...result, samples: result.samples.map(({ image: _image, ...sample }) => sample) };
    }),
  );
}
