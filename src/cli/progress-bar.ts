/**
 * One line on a terminal that redraws itself; nothing at all elsewhere. It goes to stderr, so results can be piped.
 * Own code instead of @clack/prompts' progress because that one takes over the keyboard and with it Ctrl-C.
 */
import pc from 'picocolors';
import type { Output } from './terminal.ts';

export interface ProgressBar {
  /** Redraws: `done` of `total`, with a text after the bar. */
  update(done: number, total: number, text?: string): void;
  /** Removes the line. Idempotent. */
  clear(): void;
}

const barWidth = 24;

/** A bar on `stream` if that is a terminal (and not CI), otherwise a silent one. */
export function createProgressBar(stream: Output, label: string): ProgressBar {
  if (!stream.isTTY || process.env['CI'] || process.env['TERM'] === 'dumb') {
    return { update: () => {}, clear: () => {} };
  }
  let drawn = false;
  return {
    update(done, total, text = '') {
      const line = progressLine(label, done, total, text, (stream.columns ?? 80) - 1);
      stream.write(`\r\u001b[2K${line}`);
      drawn = true;
    },
    clear() {
      if (drawn) stream.write('\r\u001b[2K');
      drawn = false;
    },
  };
}

/** The text of the bar, at most `columns` characters (colours not counted). */
export function progressLine(label: string, done: number, total: number, text: string, columns: number): string {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const full = Math.round(share * barWidth);
  const numbers = ` ${done}/${total} ${text}`.trimEnd();
  const room = columns - barWidth - 1;
  const before = label.slice(0, Math.max(0, room - 1));
  const after = numbers.slice(0, Math.max(0, room - before.length));
  return `${before} ${pc.green('━'.repeat(full))}${pc.dim('─'.repeat(barWidth - full))}${pc.dim(after)}`;
}
