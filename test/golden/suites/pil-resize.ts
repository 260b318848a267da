/** Pillow's resizing, exact to the byte. Preparations made of it are not built as such. */
import { type ResampleFilter, resample } from '../../../src/image/index.ts';
import { type CaseResult, compareExact } from '../compare.ts';
import type { Suite } from '../harness.ts';
import { readValues } from '../tensors.ts';

export const file = 'pil-resize.json';

interface Config {
  readonly op: string;
  readonly image: {
    readonly width: number;
    readonly height: number;
    readonly coef: readonly [number, number, number, number];
  };
  readonly filter: ResampleFilter;
  readonly out_width: number;
  readonly out_height: number;
}

const configOf = (golden: { readonly config: unknown }) => golden.config as Config;

function sourceOf({ width, height, coef: [a, b, c, d] }: Config['image']) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    return (a * x + b * y + c * (i % 3) + d * x * y) % 256;
  });
  return { width, height, data };
}

export const skips: Suite['skips'] = ({ cases }) => [
  ...new Set(cases.map(golden => configOf(golden).op).filter(op => op !== 'resize')),
];

export const run: Suite['run'] = async ({ cases }) =>
  cases
    .filter(golden => configOf(golden).op === 'resize')
    .map((golden): CaseResult => {
      const { image, filter, out_width: width, out_height: height } = configOf(golden);
      const got = resample(sourceOf(image), width, height, filter);
      return compareExact(golden.name, [...got.data], readValues(golden.outputs['pixels']).data);
    });
