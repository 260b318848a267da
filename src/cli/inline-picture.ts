/** Pictures inside terminals that can show them: by kitty's protocol (kitty, Ghostty, WezTerm, Konsole) or iTerm2's. */
import type { Output } from './terminal.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Width in columns, of which a picture takes half as many rows. */
const columns = 24;
/** Base64 characters in one sequence of kitty's protocol. */
const chunkSize = 4096;

/**
 * What shows a PNG in the terminal that `output` is; empty where none is known to be able to, as within tmux and screen.
 * @see https://sw.kovidgoyal.net/kitty/graphics-protocol/ https://iterm2.com/documentation-images.html
 */
export function inlinePicture(png: Uint8Array, output: Output, env: Environment = process.env): string {
  const protocol = output.isTTY ? protocolOf(env) : undefined;
  if (!protocol) return '';
  const data = Buffer.from(png).toString('base64');
  if (protocol === 'kitty') return `${kittySequences(data)}\n`;
  return `\u001b]1337;File=inline=1;size=${png.length};width=${columns};preserveAspectRatio=1:${data}\u0007\n`;
}

function protocolOf({ TERM = '', TERM_PROGRAM: program = '', ...env }: Environment): 'kitty' | 'iterm' | undefined {
  if (env['TMUX'] !== undefined || TERM.startsWith('screen') || TERM.startsWith('tmux')) return undefined;
  if (TERM === 'xterm-kitty' || TERM === 'xterm-ghostty' || env['KITTY_WINDOW_ID'] !== undefined) return 'kitty';
  if (program === 'WezTerm' || program === 'ghostty' || env['KONSOLE_VERSION'] !== undefined) return 'kitty';
  return program === 'iTerm.app' || env['LC_TERMINAL'] === 'iTerm2' ? 'iterm' : undefined;
}

/** Transmit and show (`a=T`) a PNG (`f=100`), without answers from the terminal (`q=2`), in several sequences. */
function kittySequences(data: string): string {
  const chunks = data.match(new RegExp(`.{1,${chunkSize}}`, 'g')) ?? [];
  return chunks
    .map((chunk, index) => {
      const first = index === 0 ? `a=T,f=100,q=2,c=${columns},` : '';
      return `\u001b_G${first}m=${index < chunks.length - 1 ? 1 : 0};${chunk}\u001b\\`;
    })
    .join('');
}
