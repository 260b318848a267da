/** Values of the command line's options: parsed, checked and named in errors by what the user typed. */
import { InvalidArgumentError, Option } from 'commander';
import { unifyLineEnds } from '../core/text.ts';

const solverNames = ['dpm-multistep', 'dpm-singlestep', 'ddim'] as const;

export function wholeNumber(lowest: number, highest: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (/^[+-]?\d+$/.test(text.trim()) && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${lowest} to ${highest}.`);
  };
}

function finiteNumber(lowest: number, highest: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (text.trim() !== '' && value >= lowest && value <= highest) return value;
    throw new InvalidArgumentError(`Expected a number from ${lowest} to ${highest}.`);
  };
}

export const countOption = () =>
  new Option('-n, --count <number>', 'how many to make').argParser(wholeNumber(1, 1024)).default(1);
export const seedOption = () =>
  new Option('--seed <number>', 'seed of the first one; the next ones count up (default: drawn)').argParser(
    wholeNumber(0, 2 ** 32 - 1),
  );
export const stepsOption = () =>
  new Option('--steps <number>', "network evaluations (default: the model's)").argParser(wholeNumber(1, 1000));
export const guidanceOption = () =>
  new Option('--guidance <number>', "1 is off, more follows the input closer (default: the model's)").argParser(
    finiteNumber(0, 100),
  );
export const strengthOption = () =>
  new Option('--strength <share>', 'how much of the picture may change, from 0 to 1 (default: 1)').argParser(
    finiteNumber(0, 1),
  );
export const solverOption = () => new Option('--solver <name>', 'how noise becomes a sample').choices([...solverNames]);
export const orderOption = () =>
  new Option('--order <order>', "picture and caption at once or the caption first (default: the model's)").choices([
    'together',
    'text-first',
  ]);
export const negativeOption = () =>
  new Option('--negative <caption>', 'what a drawn caption should not look like (needs guidance above 1)').argParser(
    unifyLineEnds,
  );
export const modelOption = () =>
  new Option('--model <name>', 'an embedded model or a model folder').env('DUET_MODEL').default('emoji');
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
