/** Paints the right half of a picture anew, and fills the gap of a caption: `npx tsx examples/inpaint.ts`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { Duet, type Pixels } from 'duet';

const model = await Duet.load('emoji');
await mkdir('out', { recursive: true });

const { samples: drawn } = await model.textToImage('a cat to the left of a dog', { seed: 1 });
const picture = drawn[0]!.image;
const mask = rightHalf(picture);
const { samples } = await model.inpaint({ picture, mask, caption: 'a cat to the left of a car' }, { n: 2, seed: 1 });
await writeFile('out/inpaint-before.png', await picture.toPng());
for (const { image, seed } of samples) await writeFile(`out/inpaint-${seed}.png`, await image.toPng());

const { samples: captions } = await model.inpaint({ caption: 'a _ to the left of a dog' }, { n: 3, seed: 1 });
console.log(captions.map(({ caption }) => caption));
await model.release();

/** White where the picture is painted anew. */
function rightHalf({ width, height }: Pixels): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i += 1) if (i % width >= width / 2) data.fill(255, 3 * i, 3 * i + 3);
  return { width, height, data };
}
