/** Values of the command line's options: parsed, checked and named in errors by what the user typed. */
import { InvalidArgumentError, Option } from 'commander';
import { embeddedModel } from '../pipelines/index.ts';

export function wholeNumber(lowest: number, highest: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text.trim()) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${lowest} to ${highest}.`);
  };
}

export const modelOption = () =>
  new Option('--model <name>', 'an embedded model or a model folder').env('DUET_MODEL').default(embeddedModel);
export const deviceOption = () =>
  new Option('--device <name>', 'where networks run').choices(['cpu', 'tensorflow', 'reference']).default('cpu');
export const precisionOption = () =>
  new Option('--precision <name>', 'int8 is twice as fast as fp32 and a little less exact')
    .choices(['fp32', 'int8'])
    .default('fp32');
export const threadsOption = () =>
  new Option('--threads <number>', 'threads of the networks (default: all cores)').argParser(wholeNumber(1, 1024));
export const maxMemoryOption = () =>
  new Option('--max-memory <MiB>', 'memory at which the inference process is replaced between calls').argParser(
    wholeNumber(1, 10_000_000),
  );
export const jsonOption = () => new Option('--json', 'print one JSON object instead of text').default(false);
export const debugOption = () => new Option('--debug', 'show stack traces of errors').default(false);
export const outOption = () =>
  new Option('-o, --out <path>', 'a .png, .webp or .jpg file, a folder with / at its end, or - for standard output');
export const columnsOption = () =>
  new Option('--columns <number>', 'columns of the grid when several pictures go into one file').argParser(
    wholeNumber(1, 1024),
  );
export const enlargeOption = () =>
  new Option('--enlarge <factor>', 'repeat every pixel this many times each way')
    .argParser(wholeNumber(1, 32))
    .default(1);
