/** `duet inpaint`: fill in part of a picture, or the gaps of a caption. */
import type { Command } from 'commander';
import { readCaption, readPicture } from './inputs.ts';
import { addSamplingOptions, type CommandContext, runSampling, type SamplingFlags } from './sampling-command.ts';

interface InpaintFlags extends SamplingFlags {
  readonly mask?: string;
  readonly caption?: string;
}

export function registerInpaint(program: Command, context: CommandContext): void {
  const command = program
    .command('inpaint')
    .description('fill in part of a picture, or the gaps of a caption; the rest stays exactly')
    .argument('[picture]', 'a picture file or its address (https://...), or - to read it from standard input')
    .option('--mask <picture>', 'transparent or white where to repaint (default: where the picture is transparent)')
    .option('--caption <caption>', 'what the picture shows; a word _ is a gap, as in "a _ to the left of a dog"');
  addSamplingOptions(command, 'inpaint').action((argument: string | undefined, flags: InpaintFlags) =>
    runSampling(context, 'inpaint', flags, async (duet, options) => {
      const { terminal } = context;
      const prompt = flags.caption === undefined ? undefined : await readCaption(terminal, flags.caption);
      const inputs = {
        ...(argument !== undefined && { image: await readPicture(terminal, argument) }),
        ...(flags.mask !== undefined && { mask: flags.mask }),
        ...(prompt !== undefined && { prompt }),
      };
      const result = await duet.run('inpaint', inputs, options);
      return { ...result, asked: { ...(prompt !== undefined && { prompt }) } };
    }),
  );
}
