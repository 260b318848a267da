/** Tables of comma-separated values (RFC 4180), whose first line names the columns. */
import { DuetError } from '../../core/errors.ts';

/**
 * A record for each line after the first, by column; an empty line is none.
 * @param text with `\n` for line ends
 * @throws DuetError 'invalid-argument' if a quotation mark is not closed
 */
export function parseCsv(text: string, delimiter: string, origin: string): Record<string, string>[] {
  const [header = [], ...lines] = cellsOf(text, delimiter, origin);
  return lines
    .filter(cells => cells.some(cell => cell !== ''))
    .map(cells => Object.fromEntries(header.map((name, column) => [name, cells[column] ?? ''])));
}

function cellsOf(text: string, delimiter: string, origin: string): string[][] {
  const lines: string[][] = [[]];
  let at = 0;
  while (at < text.length) {
    const cell = text[at] === '"' ? quotedCell(text, at, delimiter, origin) : plainCell(text, at, delimiter);
    lines.at(-1)!.push(cell.value);
    at = cell.end;
    if (text[at] === '\n') lines.push([]);
    else if (text[at] === delimiter && at + 1 === text.length) lines.at(-1)!.push('');
    at++;
  }
  return lines;
}

function plainCell(text: string, start: number, delimiter: string): { value: string; end: number } {
  let end = start;
  while (end < text.length && text[end] !== delimiter && text[end] !== '\n') end++;
  return { value: text.slice(start, end), end };
}

/** A quotation mark inside is written twice. */
function quotedCell(text: string, start: number, delimiter: string, origin: string): { value: string; end: number } {
  let value = '';
  let from = start + 1;
  for (;;) {
    const mark = text.indexOf('"', from);
    if (mark < 0) {
      const line = text.slice(0, start).split('\n').length;
      throw new DuetError('invalid-argument', `${origin}, line ${line}: a quotation mark is not closed`);
    }
    value += text.slice(from, mark);
    if (text[mark + 1] !== '"') {
      const rest = plainCell(text, mark + 1, delimiter); // nothing, unless the mark was no mark
      return { value: value + rest.value, end: rest.end };
    }
    value += '"';
    from = mark + 2;
  }
}
