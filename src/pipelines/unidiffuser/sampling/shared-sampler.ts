/**
 * Pictures that the U-ViT composes and the U-Net finishes: networks that are experts of different noise levels (eDiff-I,
 * Balaji et al., arXiv 2211.01324; the refiner of SDXL, Podell et al., arXiv 2307.01952, section 2.5). The composer draws whole
 * pictures in as many steps as the finisher leaves out; they are noised again, and the finisher makes the steps that are left.
 */
import { callOptions } from '../../../batching/batching-driver.ts';
import { stepsOfStrength } from '../../stable-diffusion/sampling/denoise.ts';
import type { Networks } from '../networks/networks.ts';
import type { ImageLatents, SampleLatents } from './latents.ts';
import { type GroupStep, groupSize, type SampledGroup, type SampleTask } from './sample-latents.ts';
import type { PassSettings, Sampler } from './sampler.ts';

/** Stands for the picture where steps are counted. */
const none: ImageLatents = { z: new Float32Array(0), c: new Float32Array(0) };

interface Sharing {
  readonly composer: Sampler;
  readonly finisher: Sampler;
  /** The fraction of the timesteps that the finisher makes. */
  readonly finishesFrom: number;
}

/**
 * Tasks and settings are those of the finisher: texts are states of the text tower. A picture that is started from with no
 * more noise than the finisher takes is composed already.
 */
export function sharedSampler({ composer, finisher, finishesFrom }: Sharing): Sampler {
  const needsComposing = ({ start }: PassSettings): boolean => (start?.strength ?? 1) > finishesFrom;

  const composing = (settings: PassSettings): PassSettings => ({
    ...settings,
    steps: Math.max(1, settings.steps - stepsOfStrength(settings.steps, finishesFrom)),
    guidance: Math.max(1, settings.guidance), // off up to 1, as that of the finisher
  });
  const begun = (task: SampleTask, image: ImageLatents): SampleTask => ({
    ...task,
    start: { latents: { image }, strength: finishesFrom },
  });
  const countOf = (tasks: readonly SampleTask[], settings: PassSettings) => ({
    composing: composer.count(tasks, composing(settings)),
    finishing: finisher.count(
      tasks.map(task => begun(task, none)),
      settings,
    ),
  });

  async function compose(
    networks: Networks,
    tasks: readonly SampleTask[],
    settings: PassSettings,
    textOf: (states: Float32Array) => Float32Array,
  ) {
    const read = ({ text, ...others }: SampleLatents) => ({ ...others, ...(text && { text: textOf(text) }) });
    const { negative } = settings;
    const own = tasks.map(task => ({ ...task, given: read(task.given) }));
    const way = { ...composing(settings), ...(negative && { negative: read(negative) }) };
    const composed: SampleLatents[] = [];
    for await (const { sampled } of composer.groups(networks, own, way)) composed.push(...sampled);
    return tasks.map((task, index) => begun(task, composed[index]!.image!));
  }

  async function* groups(
    networks: Networks,
    tasks: readonly SampleTask[],
    settings: PassSettings,
  ): AsyncGenerator<SampledGroup, void> {
    const whole = countOf(tasks, settings);
    const textOf = await textsOf(networks, [...tasks.map(({ given }) => given), settings.negative ?? {}], settings);
    let done = 0;
    for (let first = 0; first < tasks.length; first += groupSize) {
      const own = tasks.slice(first, first + groupSize);
      const steps = countOf(own, settings);
      const reportFrom = (begin: number) => (event: GroupStep) =>
        settings.onStep?.({ ...event, first, step: begin + event.step, total: whole.composing + whole.finishing });
      const composed = await compose(networks, own, { ...settings, onStep: reportFrom(done) }, textOf);
      const finishing = { ...settings, onStep: reportFrom(done + steps.composing) };
      for await (const group of finisher.groups(networks, composed, finishing)) yield { ...group, first };
      done += steps.composing + steps.finishing;
    }
  }

  return {
    count: (tasks, settings) => {
      if (!needsComposing(settings)) return finisher.count(tasks, settings);
      const steps = countOf(tasks, settings);
      return steps.composing + steps.finishing;
    },
    groups: (networks, tasks, settings) =>
      needsComposing(settings) ? groups(networks, tasks, settings) : finisher.groups(networks, tasks, settings),
  };
}

/** The text latents of all states that are given, each made once: the samples of a call often have the same caption. */
async function textsOf(
  networks: Networks,
  given: readonly SampleLatents[],
  settings: PassSettings,
): Promise<(states: Float32Array) => Float32Array> {
  const states = [...new Set(given.flatMap(({ text }) => (text ? [text] : [])))];
  const texts = await networks.encodeStates(states, callOptions(settings));
  const byStates = new Map(states.map((own, index) => [own, texts[index]!]));
  return own => byStates.get(own)!;
}
