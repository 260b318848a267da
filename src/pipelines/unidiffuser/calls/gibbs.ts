/** Blocked Gibbs sampling: image and text drawn in turns, each given the other, and the whole chain kept. */
import { Picture } from '../../../image/index.ts';
import type { SampleLatents } from '../sampling/index.ts';
import type { GroupPairs } from '../sampling/sample-latents.ts';
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
  call.given(start.caption);
  requireSamples('rounds', call.request.seeds.length, rounds, mostRounds);
  const text = start.caption === undefined ? undefined : await call.encodeCaption(start.caption);
  const picture = start.picture === undefined ? undefined : await call.encodePicture(start.picture);
  const given: SampleLatents = { ...(text && { text }), ...(picture && { image: picture.latents }) };
  const tasks = call.request.seeds.map(seed => ({ seed, given }));
  const decodePairs = async ({ tasks: own, round, pairs }: GroupPairs): Promise<PairSample[]> => {
    const isStart = round === 0;
    const samples = await call.decode({ tasks: own, sampled: pairs });
    return samples.map(({ seed, image, caption }) => ({
      seed,
      image: isStart && picture ? new Picture(picture.square) : image!,
      caption: isStart && start.caption !== undefined ? start.caption : caption!,
    }));
  };
  /** By their places among all samples: each chain has the pair at its start and one of each round. */
  const finished = new Map<number, PairSample>();
  const finishPairs = async (group: GroupPairs): Promise<void> => {
    const samples = await decodePairs(group);
    const placed = samples.map(
      (sample, index) => [(group.first + index) * (rounds + 1) + group.round, sample] as const,
    );
    for (const [place, sample] of placed) finished.set(place, sample);
    call.report(new Map(placed));
  };
  const pass = { mode: 'gibbs', rounds, onPairs: finishPairs } as const;
  call.planSteps(tasks, pass);
  return call.resultOf(tasks, pass, async ({ first, tasks: own, sampled }) => {
    const last = await decodePairs({
      first,
      tasks: own,
      round: rounds,
      pairs: sampled.map(({ pairs }) => pairs!.at(-1)!),
    });
    return last.flatMap((sample, index) => {
      const begin = (first + index) * (rounds + 1);
      return [...Array.from({ length: rounds }, (_, round) => finished.get(begin + round)!), sample];
    });
  });
}
