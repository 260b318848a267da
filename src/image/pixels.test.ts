import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cropSquare, enlarge, fromNetwork, type Pixels, pictureGrid, pixels, toNetwork } from './pixels.ts';

const sides = fc.integer({ min: 1, max: 6 });
const picture: fc.Arbitrary<Pixels> = fc
  .tuple(sides, sides)
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map(data => ({ width, height, data })),
  );
const counting = (width: number, height: number) =>
  pixels(
    width,
    height,
    Uint8Array.from({ length: width * height * 3 }, (_, i) => i),
  );

describe('pixels', () => {
  it('refuses sides and bytes that do not fit', () => {
    expect(() => pixels(0, 1, new Uint8Array(0))).toThrow(/at least 1 pixel, got 0 x 1/);
    expect(() => pixels(2, 2, new Uint8Array(5))).toThrow(/needs 12 bytes, got 5/);
  });
});

describe('network form', () => {
  it('survives the round trip exactly', () => {
    fc.assert(
      fc.property(picture, original => {
        expect(fromNetwork(toNetwork([original]))).toEqual([original]);
      }),
    );
  });

  it('is planar, from -1 for 0 to 1 for 255', () => {
    const tensor = toNetwork([pixels(2, 1, Uint8Array.from([0, 255, 0, 255, 0, 0]))]);
    expect(tensor.shape).toEqual([1, 3, 1, 2]);
    expect([...tensor.data]).toEqual([-1, 1, 1, -1, -1, -1]);
  });

  it('clamps what a decoder overshoots and blackens NaN', () => {
    const tensor = { dtype: 'float32', shape: [1, 3, 1, 1], data: new Float32Array([-3, 9, Number.NaN]) } as const;
    expect([...fromNetwork(tensor)[0]!.data]).toEqual([0, 255, 0]);
  });

  it('refuses mixed sizes, empty batches and other shapes', () => {
    expect(() => toNetwork([counting(1, 2), counting(2, 1)])).toThrow(/1 x 2 and 2 x 1/);
    expect(() => toNetwork([])).toThrow(/at least one picture/);
    const wrong = { dtype: 'float32', shape: [3, 2, 2], data: new Float32Array(12) } as const;
    expect(() => fromNetwork(wrong)).toThrow(/\[B, 3, H, W\], got \[3, 2, 2\]/);
  });
});

describe('geometry', () => {
  it('crops the central square', () => {
    const square = cropSquare(counting(5, 2)); // columns 1 and 2 of 5
    expect([square.width, square.height]).toEqual([2, 2]);
    expect([...square.data]).toEqual([3, 4, 5, 6, 7, 8, 18, 19, 20, 21, 22, 23]);
  });

  it('leaves squares alone', () => {
    const square = counting(3, 3);
    expect(cropSquare(square)).toBe(square);
  });

  it('repeats pixels', () => {
    const large = enlarge(counting(2, 1), 2);
    expect([...large.data]).toEqual([0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5, 0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5]);
  });

  it('lays pictures out row by row', () => {
    const red = pixels(1, 1, Uint8Array.from([255, 0, 0]));
    const grid = pictureGrid([red, red, red], { columns: 2, gap: 1, background: [0, 0, 9] });
    expect([grid.width, grid.height]).toEqual([5, 5]);
    const reds = Array.from({ length: 25 }, (_, i) => (grid.data[i * 3] === 255 ? [i % 5, Math.floor(i / 5)] : []));
    expect(reds.flat()).toEqual([1, 1, 3, 1, 1, 3]);
    expect([...grid.data.subarray(0, 3)]).toEqual([0, 0, 9]);
  });

  it('refuses an empty grid and odd columns', () => {
    expect(() => pictureGrid([])).toThrow(/at least one picture/);
    expect(() => pictureGrid([counting(1, 1)], { columns: 0 })).toThrow(/columns from 1, got 0/);
  });
});
