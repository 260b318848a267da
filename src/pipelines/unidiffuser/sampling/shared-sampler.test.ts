/** Who makes which steps, of what, and how they are counted; networks and samplers are fakes that write down what they get. */
import { describe, expect, it } from 'vitest';
import type { Networks } from '../networks/networks.ts';
import type { SampledGroup, SampleTask } from './sample-latents.ts';
import type { PassSettings, Sampler } from './sampler.ts';
import { sharedSampler } from './shared-sampler.ts';

const one = (value: number) => Float32Array.of(value);
const networks = {
  encodeStates: async (states: readonly Float32Array[]) => states.map(([value]) => one(100 + value!)),
} as unknown as Networks;

interface Asked {
  readonly tasks: readonly SampleTask[];
  readonly settings: PassSettings;
}

/** Makes two evaluations for each step, and the latent `latent` + seed. */
function fakeSampler(latent: number): { readonly sampler: Sampler; readonly asked: Asked[] } {
  const asked: Asked[] = [];
  const count = (tasks: readonly SampleTask[], { steps, start }: PassSettings) => {
    const share = (tasks[0]?.start ?? start)?.strength ?? 1;
    return Math.ceil(tasks.length / 8) * 2 * Math.floor(steps * share);
  };
  async function* groups(_: Networks, tasks: readonly SampleTask[], settings: PassSettings) {
    asked.push({ tasks, settings });
    const total = count(tasks, settings);
    for (let step = 1; step <= total; step++) {
      await settings.onStep?.({ first: 0, tasks, step, total, denoised: [], finishedPairs: 0 });
    }
    const sampled = tasks.map(({ seed }) => ({ image: { z: one(latent + seed), c: one(0) } }));
    yield { first: 0, tasks, sampled } satisfies SampledGroup;
  }
  return { sampler: { count, groups }, asked };
}

const tasksOf = (count: number): SampleTask[] =>
  Array.from({ length: count }, (_, seed) => ({ seed, given: { text: one(seed) } }));
const pass = { mode: 't2i', steps: 10, guidance: 2, solver: 'unipc', noiseSchedule: 'uniform' } as const;
const image = { z: one(7), c: one(0) };

async function run(settings: PassSettings, count = 1, finishesFrom = 0.65) {
  const [composer, finisher] = [fakeSampler(1000), fakeSampler(2000)];
  const sampler = sharedSampler({ composer: composer.sampler, finisher: finisher.sampler, finishesFrom });
  const steps: (readonly [number, number, number])[] = [];
  const onStep: PassSettings['onStep'] = ({ first, step, total }) => void steps.push([first, step, total]);
  const groups: SampledGroup[] = [];
  for await (const group of sampler.groups(networks, tasksOf(count), { ...settings, onStep })) groups.push(group);
  return {
    composed: composer.asked,
    finished: finisher.asked,
    steps,
    groups,
    counted: sampler.count(tasksOf(count), settings),
  };
}

describe('a sampler shared by two networks', () => {
  it('composes in the steps that are left out, from text latents, and finishes from the picture made, with the states', async () => {
    const { composed, finished, groups } = await run(pass);
    expect(composed).toMatchObject([
      { tasks: [{ seed: 0, given: { text: one(100) } }], settings: { steps: 4, guidance: 2 } },
    ]);
    const start = { latents: { image: { z: one(1000) } }, strength: 0.65 };
    expect(finished).toMatchObject([{ tasks: [{ seed: 0, given: { text: one(0) }, start }], settings: { steps: 10 } }]);
    expect(groups).toMatchObject([{ first: 0, sampled: [{ image: { z: one(2000) } }] }]);
  });

  it('counts and reports the steps of both, group by group', async () => {
    const { counted, steps, groups, finished } = await run(pass, 9);
    const perGroup = 2 * 4 + 2 * 6;
    expect(counted).toBe(2 * perGroup);
    const all = Array.from({ length: 2 * perGroup }, (_, i) => [i < perGroup ? 0 : 8, i + 1, 2 * perGroup]);
    expect(steps).toEqual(all);
    expect(groups.map(({ first, tasks }) => [first, tasks.length])).toEqual([
      [0, 8],
      [8, 1],
    ]);
    expect(finished[1]!.tasks[0]!.start!.latents.image!.z).toEqual(one(1008));
  });

  it.each([
    [1, 1],
    [2, 1],
    [20, 7],
  ])('of %d steps it composes in %d', async (steps, expected) => {
    const { composed } = await run({ ...pass, steps });
    expect(composed[0]!.settings.steps).toBe(expected);
  });

  it('composes with guidance that is off where that of the finisher is', async () => {
    expect((await run({ ...pass, guidance: 0 })).composed[0]!.settings.guidance).toBe(1);
  });

  it('gives each network the negative text as it reads it', async () => {
    const { composed, finished } = await run({ ...pass, negative: { text: one(5) } });
    expect(composed[0]!.settings.negative).toEqual({ text: one(105) });
    expect(finished[0]!.settings.negative).toEqual({ text: one(5) });
  });

  it.each([0, 0.3, 0.65])('finishes a picture that is started from with strength %d alone', async strength => {
    const settings: PassSettings = { ...pass, start: { latents: { image }, strength } };
    const { composed, finished, counted } = await run(settings);
    expect(composed).toEqual([]);
    expect(finished).toMatchObject([{ tasks: [{ seed: 0 }], settings: { start: { strength } } }]);
    expect(finished[0]!.tasks[0]).not.toHaveProperty('start');
    expect(counted).toBe(2 * Math.floor(10 * strength));
  });

  it('composes from a picture that is started from with more', async () => {
    const start = { latents: { image }, strength: 0.9 };
    const { composed, finished, counted } = await run({ ...pass, start });
    expect(composed[0]!.settings.start).toEqual(start);
    expect(finished[0]!.tasks[0]!.start!.strength).toBe(0.65);
    expect(counted).toBe(2 * 3 + 2 * 6);
  });

  it('leaves all to the finisher that takes pure noise', async () => {
    expect((await run(pass, 1, 1)).composed).toEqual([]);
  });
});
