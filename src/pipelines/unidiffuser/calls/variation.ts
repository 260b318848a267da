/** Variations of a picture: what it shows is put into words and drawn again, from noise or from the picture with some noise. */
import type { ImageInput } from '../../../image/index.ts';
import { standards } from './options.ts';
import { SamplingCall, type UniDiffuserParts } from './sampling-call.ts';
import type { PairSample, Result, VaryOptions } from './types.ts';

export async function vary(
  parts: UniDiffuserParts,
  picture: ImageInput,
  options: VaryOptions,
): Promise<Result<PairSample>> {
  const { caption, ...own } = options;
  const { strength = standards.strength } = own;
  const call = new SamplingCall(parts, 'i2t2i', own);
  call.given(caption);
  const { latents: image } = await call.encodePicture(picture);
  const text = caption === undefined ? undefined : await call.encodeCaption(caption);
  const pass = { mode: text ? 't2i' : 'i2t2i', start: { latents: { image }, strength } } as const;
  const tasks = call.request.seeds.map(seed => ({ seed, given: { image, ...(text && { text }) } }));
  call.planSteps(tasks, pass);
  return call.resultOf(tasks, pass, async group => {
    const samples = await call.decode(group);
    return samples.map(({ seed, image, caption: own }) => ({ seed, image: image!, caption: caption ?? own! }));
  });
}
