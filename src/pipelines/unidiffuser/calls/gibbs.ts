/** Blocked Gibbs sampling: image and text drawn in turns, each given the other, and the whole chain kept. */
import { Picture } from '../../../image/index.ts';
import type { SampleLatents } from '../sampling/index.ts';
import { standards } from './options.ts';
import { requireSamples } from './requests.ts';
import { SamplingCall, type UniDiffuserParts } from './sampling-call.ts';
import type { GibbsOptions, PairInput, PairSample, Result } from './types.ts';

/** Of all chains of a call. */
const mostRounds = 1000;

export async function gibbs(
  parts: UniDiffuserParts,
  start: PairInput,
  options: GibbsOptions,
): Promise<Result<PairSample>> {
  const { rounds = standards.rounds } = options;
  const call = new SamplingCall(parts, 'gibbs', options);
  requireSamples('rounds', call.request.seeds.length, rounds, mostRounds);
  const text = start.caption === undefined ? undefined : await call.encodeCaption(start.caption);
  const picture = start.picture === undefined ? undefined : await call.encodePicture(start.picture);
  const given: SampleLatents = { ...(text && { text }), ...(picture && { image: picture.latents }) };
  const tasks = call.request.seeds.map(seed => ({ seed, given }));
  const pass = { mode: 'gibbs', rounds } as const;
  call.planSteps(tasks, pass);
  const chains = await call.sample(tasks, pass);
  const links = chains.flatMap(({ pairs = [] }, index) =>
    pairs.map((latents, round) => ({ seed: tasks[index]!.seed, latents, round })),
  );
  const samples = await call.decode(
    links.map(({ seed }) => seed),
    links.map(({ latents }) => latents),
  );
  const pairs = samples.map(({ seed, image, caption }, index) => {
    const first = links[index]!.round === 0;
    return {
      seed,
      image: first && picture ? new Picture(picture.square) : image!,
      caption: first && start.caption !== undefined ? start.caption : caption!,
    };
  });
  return call.result(pairs, [start.caption]);
}
