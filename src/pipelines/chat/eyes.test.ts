/** Several pictures seen at once are what each is by itself. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createEyes } from './eyes.ts';
import { readChatFolder } from './read-chat-folder.ts';

const checkpoints = fileURLToPath(new URL('../../../test/golden/data/checkpoints/', import.meta.url));
const pictureOf = (kind: number) => ({
  width: 9 + kind,
  height: 8,
  data: Uint8Array.from({ length: (9 + kind) * 8 * 3 }, (_, i) => (i * (7 + kind)) % 256),
});

it.each(['llava-hf', 'blip2-opt-hf', 'instructblip-llama-hf'])('%s', async name => {
  const { frontEnd } = await readChatFolder(join(checkpoints, name));
  const eyes = await createEyes(frontEnd!, { device: 'cpu', threads: 1 });
  const pictures = Array.from({ length: 11 }, (_, kind) => pictureOf(kind)); // more than are seen in one call
  const options = { text: 'what is it ?' };
  const together = await eyes.see(pictures, options);
  expect(together).toHaveLength(pictures.length);
  for (const [at, picture] of pictures.entries()) {
    const [alone] = await eyes.see([picture], options);
    expect(together[at]).toHaveLength(alone!.length);
    for (const [i, value] of alone!.entries()) expect(together[at]![i]).toBeCloseTo(value, 5);
  }
  expect(together[1]).not.toEqual(together[0]);
  expect(await eyes.see([], options)).toEqual([]);
  await eyes.release();
});
