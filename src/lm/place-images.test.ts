import { describe, expect, it } from 'vitest';
import { placeImages } from './place-images.ts';

const images = [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6)];
const place = (ids: number[], given = images) => placeImages(ids, { placeholder: 9, images: given, width: 2 });

describe('placeImages', () => {
  it('widens a placeholder for each picture by the number of its vectors', () => {
    const { ids, vectors } = place([7, 9, 8, 9]);
    expect(ids).toEqual([7, -1, -1, 8, -1]);
    expect([...vectors!]).toEqual([0, 0, 1, 2, 3, 4, 0, 0, 5, 6]);
  });
  it('takes a placeholder for each vector as it is, also of pictures side by side', () => {
    expect(place([9, 9, 9, 8])).toEqual({ ids: [-1, -1, -1, 8], vectors: Float32Array.of(1, 2, 3, 4, 5, 6, 0, 0) });
  });
  it('leaves a prompt without pictures alone', () => {
    expect(place([7, 8], [])).toEqual({ ids: [7, 8] });
  });
  it.each([
    [[7], images, /0 image placeholders and 2 pictures are given: .* or one for each of their 3 vectors/],
    [[9, 9, 9, 9], images, /has 4 image placeholders/],
    [[9], [], /has 1 image placeholders and 0 pictures are given: write one for each picture$/],
  ])('refuses places that are not as many as the pictures: %j', (ids, given, message) => {
    expect(() => place(ids, given)).toThrow(message);
  });
});
