import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSize, largestSide, parseSize, smallestSide } from './picture-size.ts';

describe('parseSize', () => {
  it('reads what it writes, and auto as nothing', () => {
    const side = fc.integer({ min: smallestSide, max: largestSide });
    fc.assert(
      fc.property(side, side, (width, height) => {
        expect(parseSize(formatSize({ width, height }))).toEqual({ width, height });
      }),
    );
    expect([parseSize(undefined), parseSize('auto'), parseSize('')]).toEqual([undefined, undefined, undefined]);
  });

  it.each(['64x48', '64X48', ' 64x48 ', '64 x 48', '64*48', '64×48'])('reads %j', text => {
    expect(parseSize(text)).toEqual({ width: 64, height: 48 });
  });

  it.each(['auto', 'AUTO', ' auto ', ' '])('takes %j for the native size', text => {
    expect(parseSize(text)).toBeUndefined();
  });

  it.each(['1024x', 'x', '0x0', '15x64', '2049x64', '99999x99999', '1e2x64', '-64x64', '64x64x64', 'NaNxNaN'])(
    'refuses %s',
    text => {
      expect(() => parseSize(text)).toThrow(expect.objectContaining({ param: 'size', code: 'invalid_value' }));
    },
  );
});
