/** `duet inspect`: how a picture was made, read from its file; no model is loaded. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { DuetError } from '../core/errors.ts';
import { type ReadParameters, readImageBytes, readParameters } from '../image/index.ts';
import { readPicture } from './inputs.ts';
import { jsonOption } from './options.ts';
import type { CommandContext } from './sampling-command.ts';
import { visible, write } from './terminal.ts';

export function registerInspect(program: Command, { terminal }: CommandContext): void {
  program
    .command('inspect')
    .description('tell how a picture was made, from the parameters in its file (also of A1111 and its kin)')
    .argument('<picture>', 'a PNG, JPEG or WebP file or its address, or - to read it from standard input')
    .addOption(jsonOption())
    .action(async (argument: string, { json }: { readonly json: boolean }) => {
      const picture = await readPicture(terminal, argument);
      const found = readParameters(await readImageBytes(picture, { signal: terminal.signal }));
      if (!found) {
        throw new DuetError('invalid-image', `${argument === '-' ? 'The picture' : argument} carries no parameters`);
      }
      await write(terminal.stdout, json ? `${JSON.stringify(asJson(found), undefined, 2)}\n` : asText(found));
    });
}

function asJson({ infotext, parameters, text }: ReadParameters): object {
  return { ...infotext, ...(parameters && { parameters }), text };
}

function asText({ parameters, text }: ReadParameters): string {
  const own = Object.entries(parameters ?? {}).map(([key, value]) => {
    const shown = typeof value === 'string' ? value : JSON.stringify(value);
    return `${pc.dim(`${visible(key)}:`)} ${visible(shown)}`;
  });
  return [...(text === '' ? [] : [visible(text)]), ...(own.length > 0 && text !== '' ? [''] : []), ...own, ''].join(
    '\n',
  );
}
