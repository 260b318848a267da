/** The network passes of one evaluation request: what each is fed, and which predictions guidance combines. */
import type { Guidance } from '../../../sampler/guidance.ts';
import type { NoiseLevel } from '../../../sampler/schedule.ts';
import { type Latents, mapParts, modalityOf, type Part, partOf, parts, type SampleLatents } from './latents.ts';
import { type Modality, modalities, type Pass, roles, type SingleMode, unconditionalPass } from './modes.ts';
import type { SampleRequest } from './sample-request.ts';

/** The timestep of a modality without noise. */
const givenTimestep = 0;
/** The timestep of a modality that is nothing but noise: arXiv 2303.06555 writes T. */
export const ignoredTimestep = 1000;

/** The inputs of the network for one sample: the state of each part, flat, and the timestep of each modality. */
export interface Evaluation extends Latents {
  readonly tImage: number;
  readonly tText: number;
  readonly dataType?: number;
}

/** The network's output for one evaluation; parts that the run does not sample are not looked at. */
export type Prediction = Latents;

export interface PassPlan {
  /** The conditional pass first, then the unconditional ones. */
  readonly passes: readonly Pass[];
  /** Where in `passes` the unconditional prediction of a modality is found; -1: nowhere. */
  readonly unconditional: Readonly<Record<Modality, number>>;
}

export function planPasses(mode: SingleMode, guidance: Guidance, negative: SampleLatents | undefined): PassPlan {
  const passes: Pass[] = [roles[mode]];
  const unconditional = { image: -1, text: -1 };
  for (const modality of guidance === 1 ? [] : modalities) {
    const other = modality === 'image' ? 'text' : 'image';
    const pass = unconditionalPass(roles[mode], modality, negative?.[other] !== undefined);
    if (pass) unconditional[modality] = passes.push(pass) - 1;
  }
  return { passes, unconditional };
}

/** Noise for every part that some pass ignores, drawn in the order z, c, y. */
export function freshNoise(
  request: SampleRequest,
  mode: SingleMode,
  passes: readonly Pass[],
  evaluation: number,
): Partial<Latents> {
  const initial = (modality: Modality) => request.ignored === 'initial' && roles[mode][modality] === 'ignored';
  const drawn = parts.filter(part => {
    const modality = modalityOf[part];
    return !initial(modality) && passes.some(pass => pass[modality] === 'ignored');
  });
  return Object.fromEntries(drawn.map(part => [part, request.noise.ignored(part, evaluation)]));
}

/** What the roles of a pass stand for. */
export interface Feeds {
  readonly moving: Latents;
  readonly given: SampleLatents;
  readonly negative: SampleLatents | undefined;
  readonly fresh: Partial<Latents>;
  readonly initial: Latents;
}

export function evaluationOf(pass: Pass, level: NoiseLevel, feeds: Feeds, dataType: number | undefined): Evaluation {
  const times = {
    sampled: level.t,
    inverted: level.t,
    given: givenTimestep,
    negative: givenTimestep,
    ignored: ignoredTimestep,
  };
  const values = mapParts(part => feedOf(pass, part, feeds));
  const evaluation = { ...values, tImage: times[pass.image], tText: times[pass.text] };
  return dataType === undefined ? evaluation : { ...evaluation, dataType };
}

function feedOf(pass: Pass, part: Part, feeds: Feeds): Float32Array {
  switch (pass[modalityOf[part]]) {
    case 'sampled':
    case 'inverted':
      return feeds.moving[part];
    case 'given':
      return partOf(feeds.given, part)!; // checkRequest and the chain make sure that it is there
    case 'negative':
      return partOf(feeds.negative, part)!;
    case 'ignored':
      return feeds.fresh[part] ?? feeds.initial[part];
  }
}
