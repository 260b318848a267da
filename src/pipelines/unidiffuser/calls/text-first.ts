/** Imagining text first: a caption out of nothing, then the picture of that caption. */

import type { AnySample } from '../../pipeline.ts';
import type { SampleTask } from '../sampling/sample-latents.ts';
import { SamplingCall, type UniDiffuserParts } from './sampling-call.ts';
import type { Result, SamplingOptions } from './types.ts';

/**
 * Pairs by the chain rule, p(caption) p(image | caption). The picture is drawn from the caption as it is read, not from
 * the text latents that were sampled: those are never exactly the latents of a caption, which makes the picture worse.
 */
export async function textFirst<S extends AnySample>(
  parts: UniDiffuserParts,
  mode: 'joint' | 'i',
  options: SamplingOptions,
  shape: (sample: AnySample) => S,
): Promise<Result<S>> {
  const call = new SamplingCall(parts, mode, options);
  const { seeds, network } = call.request;
  const drawing = { mode: 't2i', network } as const;
  const words: SampleTask[] = seeds.map(seed => ({ seed, given: {} }));
  call.planSteps(words, { mode: 't' });
  call.planSteps(words, drawing);
  const captions = await call.sampleCaptions(words, { mode: 't' });
  const texts = await call.encodeCaptions(captions, network);
  const pictures = seeds.map((seed, index) => ({ seed, given: { text: texts[index]! } }));
  return call.resultOf(pictures, drawing, async group => {
    const samples = await call.decode(group);
    return samples.map((sample, index) => shape({ ...sample, caption: captions[group.first + index]! }));
  });
}
