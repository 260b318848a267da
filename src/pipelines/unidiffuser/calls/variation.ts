/** Variations of a picture: what it shows is put into words and drawn again, from noise or from the picture with some noise. */
import type { ImageInput } from '../../../image/index.ts';
import type { ImageLatents } from '../sampling/index.ts';
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
  if (call.request.network === 'unet') return varyByUnet(call, { image, caption, strength });
  const text = caption === undefined ? undefined : await call.encodeCaption(caption);
  const pass = { mode: text ? 't2i' : 'i2t2i', start: { latents: { image }, strength } } as const;
  const tasks = call.request.seeds.map(seed => ({ seed, given: { image, ...(text && { text }) } }));
  call.planSteps(tasks, pass);
  return call.resultOf(tasks, pass, async group => {
    const samples = await call.decode(group);
    return samples.map(({ seed, image, caption: own }) => ({ seed, image: image!, caption: caption ?? own! }));
  });
}

/** The U-ViT describes, once for each seed, where no caption is given; the U-Net draws what is said. */
async function varyByUnet(
  call: SamplingCall,
  given: { readonly image: ImageLatents; readonly caption: string | undefined; readonly strength: number },
): Promise<Result<PairSample>> {
  const { image, caption, strength } = given;
  const { seeds } = call.request;
  const tasks = seeds.map(seed => ({ seed, given: { image } }));
  const drawing = { mode: 't2i', network: 'unet', start: { latents: { image }, strength } } as const;
  if (caption === undefined) call.planSteps(tasks, { mode: 'i2t' });
  call.planSteps(tasks, drawing);
  const captions = caption === undefined ? await call.sampleCaptions(tasks, { mode: 'i2t' }) : seeds.map(() => caption);
  const texts =
    caption === undefined
      ? await call.encodeCaptions(captions, 'unet')
      : new Array<Float32Array>(seeds.length).fill(await call.encodeCaption(caption, 'unet'));
  const drawn = seeds.map((seed, index) => ({ seed, given: { text: texts[index]! } }));
  return call.resultOf(drawn, drawing, async group => {
    const samples = await call.decode(group);
    return samples.map(({ seed, image: own }, index) => ({
      seed,
      image: own!,
      caption: captions[group.first + index]!,
    }));
  });
}
