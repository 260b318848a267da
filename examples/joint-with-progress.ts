/**
 * Imagines pairs of picture and caption, shows how far it is, and cancels a second call in the middle:
 * `npx tsx examples/joint-with-progress.ts`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { Duet } from 'duet';

const model = await Duet.load('emoji');
await mkdir('out', { recursive: true });

const { samples } = await model.joint({
  n: 2,
  seed: 7,
  previewEvery: 10,
  onProgress(event) {
    if (event.type === 'step-progress') console.log(`step ${event.step} of ${event.total}`);
    if (event.type === 'image-preview') console.log(`step ${event.step}: a preview of ${event.images.length} pictures`);
  },
});
for (const { image, caption, seed } of samples) {
  await writeFile(`out/joint-${seed}.png`, await image.toPng());
  console.log(seed, caption);
}

const controller = new AbortController();
try {
  await model.joint({
    n: 16,
    signal: controller.signal,
    onProgress: event => {
      if (event.type === 'step-progress' && event.step >= 3) controller.abort();
    },
  });
} catch (error) {
  if (!controller.signal.aborted) throw error; // a cancelled call rejects with the reason of its signal
  console.log('cancelled');
}
await model.release();
