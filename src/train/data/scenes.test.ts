import { expect, it } from 'vitest';
import { sceneSource } from './scenes.ts';
import { readingBatch } from './source.ts';

const scenes = { side: 64, count: 200, seed: 3, canonicalShare: 0.5 };
const indices = Array.from({ length: scenes.count }, (_, i) => i);

it('reads every caption as it is written unless the configuration says otherwise', async () => {
  const source = await sceneSource(scenes);
  for (const { written, read } of readingBatch(source, indices, 1, 0)) expect(read).toBe(written);
});

it('reads two of a kind that are written as a pair as what they are', async () => {
  const source = await sceneSource({ ...scenes, asPairShare: 0.5 });
  const readings = readingBatch(source, indices, 1, 0);
  const changed = indices.filter(i => readings[i]!.written !== readings[i]!.read);
  const twos = indices.filter(i => /^two /.test(source.canonicalCaption!(i)));
  expect(changed.length).toBeGreaterThan(0);
  expect(changed.length).toBeLessThan(twos.length);
  for (const i of changed) {
    expect(readings[i]!.read).toBe(source.canonicalCaption!(i));
    expect(readings[i]!.read).toMatch(/^two /);
    expect(readings[i]!.written).toMatch(/^(an? .+) to the left of \1( on |$)/);
  }
});
