import { Duet, DuetError } from 'duet';

const model = await Duet.load('emoji');
const { samples } = await model.textToImage('an apple', { seed: 1, steps: 2 });
const png = await samples[0].image.toPng();
const { samples: captions } = await model.imageToText(png, { seed: 1, steps: 2 });
const refusal = await model.textToImage('an apple', { n: 0 }).catch(error => error);
await model.release();
const [{ caption }] = captions;
console.log(JSON.stringify({ bytes: png.length, caption, refused: DuetError.isInstance(refusal) }));
