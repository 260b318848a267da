import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { inlinePicture } from './inline-picture.ts';

const screen = Object.assign(new PassThrough(), { isTTY: true });
const png = Uint8Array.from({ length: 7000 }, (_, i) => i % 256);

describe('a picture inside a terminal', () => {
  it.each([
    [{ TERM: 'xterm-kitty' }],
    [{ TERM: 'xterm-256color', KITTY_WINDOW_ID: '1' }],
    [{ TERM: 'xterm-ghostty' }],
    [{ TERM: 'xterm-256color', TERM_PROGRAM: 'WezTerm' }],
    [{ TERM: 'xterm-256color', KONSOLE_VERSION: '230803' }],
  ])('is told in pieces by kitty’s protocol: %o', env => {
    const sequences = inlinePicture(png, screen, env).split('\u001b\\');
    expect(sequences.pop()).toBe('\n');
    const [heads, pieces] = [0, 1].map(part => sequences.map(sequence => sequence.slice(3).split(';')[part]!));
    expect(heads).toEqual(['a=T,f=100,q=2,c=24,m=1', 'm=1', 'm=0']);
    expect(pieces!.every(piece => piece.length <= 4096)).toBe(true);
    expect(Buffer.from(pieces!.join(''), 'base64')).toEqual(Buffer.from(png));
  });

  it.each([[{ TERM_PROGRAM: 'iTerm.app' }], [{ TERM: 'xterm', LC_TERMINAL: 'iTerm2' }]])(
    'is told at once by iTerm2’s: %o',
    env => {
      const data = Buffer.from(png).toString('base64');
      const head = 'File=inline=1;size=7000;width=24;preserveAspectRatio=1';
      expect(inlinePicture(png, screen, env)).toBe(`\u001b]1337;${head}:${data}\u0007\n`);
    },
  );

  it.each([
    [{}],
    [{ TERM: 'xterm-256color', TERM_PROGRAM: 'Apple_Terminal' }],
    [{ TERM: 'tmux-256color', KITTY_WINDOW_ID: '1', TMUX: '/tmp/tmux' }],
    [{ TERM: 'screen', TERM_PROGRAM: 'iTerm.app' }],
  ])('is not told where it may not be understood: %o', env => {
    expect(inlinePicture(png, screen, env)).toBe('');
  });

  it('is never told to a file or a pipe', () => {
    expect(inlinePicture(png, new PassThrough(), { TERM: 'xterm-kitty' })).toBe('');
  });
});
