/** Describes pictures: `npx tsx examples/image-to-text.ts cat.png photo.jpg`. Without arguments it draws one to describe. */
import { Duet, type ImageInput } from 'duet';

const model = await Duet.load('emoji');
const files = process.argv.slice(2);
const pictures: ImageInput[] = files.length > 0 ? files : [await drawn('three stars on a blue background')];

for (const [i, picture] of pictures.entries()) {
  const { samples } = await model.imageToText(picture, { n: 3, seed: 1 });
  console.log(
    files[i] ?? 'a picture of three stars on a blue background',
    samples.map(({ caption }) => caption),
  );
}
await model.release();

/** Results carry pixels, which every call takes as they are. */
async function drawn(prompt: string): Promise<ImageInput> {
  const { samples } = await model.textToImage(prompt, { seed: 1 });
  return samples[0]!.image;
}
