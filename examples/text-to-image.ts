/** Draws four pictures of a prompt: `npx tsx examples/text-to-image.ts "a cat to the left of a dog"`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { Duet } from 'duet';

const [prompt = 'a cat to the left of a dog'] = process.argv.slice(2);

const model = await Duet.load('emoji');
const { samples, unknownWords, timings } = await model.textToImage(prompt, { n: 4, seed: 1 });
await model.release();

await mkdir('out', { recursive: true });
for (const { image, seed } of samples) {
  const file = `out/text-to-image-${seed}.png`;
  await writeFile(file, await image.toPng());
  console.log(file);
}
if (unknownWords.length > 0) console.log(`The model does not know: ${unknownWords.join(', ')}`);
console.log(`${Math.round(timings.total)} ms`);
