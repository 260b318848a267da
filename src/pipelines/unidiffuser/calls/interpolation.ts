/**
 * Interpolation (arXiv 2303.06555, section 6.3): each end is turned into a noise and a text latent. For each frame both
 * are interpolated along arcs, and t2i is run from them. The noise of a picture is found by running the solver backwards
 * from its latents under its caption, given or described by the model; so the first and the last frame are the pictures'
 * reconstructions. A caption alone starts from the noise of the seed; its frame is what `textToImage` draws with that
 * seed.
 */
import { DuetError } from '../../../core/errors.ts';
import { slerp } from '../../../sampler/index.ts';
import { mostSamples } from '../../common-options.ts';
import {
  type ImageLatents,
  type LatentShapes,
  type RunNoise,
  type SampleLatents,
  seededNoise,
} from '../sampling/index.ts';
import type { SampleTask } from '../sampling/sample-latents.ts';
import { standards } from './options.ts';
import { requireSamples } from './requests.ts';
import { SamplingCall, type UniDiffuserParts } from './sampling-call.ts';
import type { InterpolateOptions, PairInput, PairSample, Result } from './types.ts';

/** Evaluations at each step of the inversion: with three the error is about 0.3 % of the latents (20 steps). */
const inversion = { refinements: 3 };

/** An end of the path for one seed. */
interface End {
  readonly noise: ImageLatents;
  readonly text: Float32Array;
}

export async function interpolate(
  parts: UniDiffuserParts,
  ends: readonly [PairInput, PairInput],
  options: InterpolateOptions,
): Promise<Result<PairSample>> {
  const { frames = standards.frames } = options;
  if (ends.some(({ caption, picture }) => caption === undefined && picture === undefined)) {
    throw new DuetError('invalid-argument', 'Interpolation needs a picture or a caption at each end');
  }
  const fromPictures = ends.some(({ picture }) => picture !== undefined);
  const call = new SamplingCall(parts, 'interpolate', options, fromPictures ? { guidance: 1, solver: 'ddim' } : {});
  call.given(ends[0].caption, ends[1].caption);
  const { seeds } = call.request;
  requireSamples('frames', seeds.length, frames, mostSamples);
  const given = [await encodeEnd(call, ends[0]), await encodeEnd(call, ends[1])];
  const noiseOf = (seed: number) => pathNoise(seed, call.networks.shapes, fromPictures);
  const searches = searchesOf(given, seeds, noiseOf);
  for (const { tasks, mode } of searches) call.planSteps(tasks, { mode, inversion });
  call.planSteps(new Array(seeds.length * frames).fill({ seed: 0, given: { text: new Float32Array(0) } }), {
    mode: 't2i',
  });

  const found = new Map<SampleTask, SampleLatents>();
  for (const { tasks, mode } of searches) {
    const sampled = await call.sample(tasks, { mode, inversion });
    for (const [index, task] of tasks.entries()) found.set(task, { ...task.given, ...sampled[index] });
  }
  const paths = seeds.map(seed => {
    const [first, last] = given.map(latents => endOf(latents, seed, found, noiseOf));
    const shares = Array.from({ length: frames }, (_, frame) => frame / (frames - 1));
    return shares.map(share => between(seed, noiseOf(seed), first!, last!, share));
  });
  const tasks = paths.flat();
  return call.resultOf(tasks, { mode: 't2i' }, async group => {
    const latents = group.sampled.map(({ image }, index) => ({ image: image!, text: group.tasks[index]!.given.text! }));
    const samples = await call.decode({ tasks: group.tasks, sampled: latents });
    return samples.map(({ seed, image, caption }) => ({ seed, image: image!, caption: caption! }));
  });
}

async function encodeEnd(call: SamplingCall, { caption, picture }: PairInput): Promise<SampleLatents> {
  return {
    ...(caption !== undefined && { text: await call.encodeCaption(caption) }),
    ...(picture !== undefined && { image: (await call.encodePicture(picture)).latents }),
  };
}

/** The runs that find the noises of pictures, those with a caption and those without, for each seed. */
function searchesOf(
  given: readonly SampleLatents[],
  seeds: readonly number[],
  noiseOf: (seed: number) => RunNoise,
): { readonly mode: 'inversion' | 'i2t-inversion'; readonly tasks: readonly SampleTask[] }[] {
  const pictures = given.filter(({ image }) => image !== undefined);
  return (['inversion', 'i2t-inversion'] as const).map(mode => {
    const own = pictures.filter(({ text }) => (text !== undefined) === (mode === 'inversion'));
    return { mode, tasks: own.flatMap(latents => seeds.map(seed => ({ seed, given: latents, noise: noiseOf(seed) }))) };
  });
}

/** The noise that inversion found for an end, or the noise of the seed for a caption alone. */
function endOf(
  given: SampleLatents,
  seed: number,
  found: ReadonlyMap<SampleTask, SampleLatents>,
  noiseOf: (seed: number) => RunNoise,
): End {
  for (const [task, { image, text }] of found) {
    if (task.given === given && task.seed === seed) return { noise: image!, text: text! };
  }
  return { noise: noiseOf(seed).start(), text: given.text! };
}

function between(seed: number, noise: RunNoise, a: End, b: End, share: number): SampleTask {
  const z = slerp(a.noise.z, b.noise.z, share);
  const c = slerp(a.noise.c, b.noise.c, share);
  const start = () => ({ ...noise.start(), z, c });
  return { seed, given: { text: slerp(a.text, b.text, share) }, noise: { ...noise, start } };
}

/**
 * The noise of a seed. With `still`, the noise in place of an ignored modality is the same at every evaluation, which an
 * inversion needs in order to be reversed by the solver.
 */
function pathNoise(seed: number, shapes: LatentShapes, still: boolean): RunNoise {
  const noise = seededNoise(seed, shapes);
  if (!still) return noise;
  const other = seededNoise(seed, shapes);
  other.start();
  const ignored = other.start();
  return { ...noise, ignored: part => ignored[part] };
}
