/** CommonJS in TypeScript: compiled, with `module: nodenext`, and never run. */
import duet = require('duet');

export async function draw(prompt: string): Promise<Uint8Array | undefined> {
  const model = await duet.Duet.load('emoji');
  const { samples } = await model.textToImage(prompt);
  return samples[0]?.image.toPng();
}
