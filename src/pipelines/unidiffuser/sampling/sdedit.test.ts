import { describe, expect, it } from 'vitest';
import { createBetas, discreteTable } from '../../../sampler/discrete-schedule.ts';
import { continuousTable, cosine, type Schedule } from '../../../sampler/schedule.ts';
import type { SolverOptions } from '../../../sampler/solve.ts';
import type { LatentShapes, SampleLatents } from './latents.ts';
import { seededNoise } from './run-noise.ts';
import { type Predict, runInLockstep } from './run-samplers.ts';
import { sampleRun } from './sample.ts';
import { countEvaluationRequests, type SampleRequest } from './sample-request.ts';

const shapes: LatentShapes = { z: [2, 4, 4], c: [1, 3], y: [2, 2] };
const image = { z: Float32Array.from({ length: 32 }, (_, i) => Math.sin(i) / 2), c: new Float32Array(3).fill(-0.5) };
const text = new Float32Array(4).fill(0.25);

/** The best answer for data of deviation 0.5 around 0, of a network that predicts the noise. */
function predictorOf(schedule: Schedule): Predict {
  const noiseIn = (x: Float32Array, t: number) => {
    const { alpha, sigma } = schedule.at(Math.min(Math.max(t, schedule.tMin), schedule.tMax));
    return x.map(value => (sigma * value) / (alpha ** 2 * 0.25 + sigma ** 2));
  };
  return async evaluations =>
    evaluations.map(({ z, c, y, tImage, tText }) => ({
      z: noiseIn(z, tImage),
      c: noiseIn(c, tImage),
      y: noiseIn(y, tText),
    }));
}

function requestOf(strength: number, changes: Partial<SampleRequest> = {}): SampleRequest {
  return {
    mode: 't2i',
    shapes,
    schedule: cosine(),
    prediction: 'epsilon',
    solver: { kind: 'dpm-multistep' },
    steps: 40,
    given: { image, text },
    noise: seededNoise(3, shapes),
    start: { latents: { image }, strength },
    ...changes,
  };
}

async function sampled(request: SampleRequest): Promise<SampleLatents> {
  const [latents] = await runInLockstep([sampleRun(request)], predictorOf(request.schedule));
  return latents!;
}

function distance({ image: made }: SampleLatents): number {
  return Math.sqrt(made!.z.reduce((sum, value, i) => sum + (value - image.z[i]!) ** 2, 0) / made!.z.length);
}

const betas = createBetas();
const schedules = { cosine: cosine(), continuous: continuousTable(betas), discrete: discreteTable() };
const solvers = {
  multistep: { kind: 'dpm-multistep' },
  singlestep: { kind: 'dpm-singlestep' },
  ddim: { kind: 'ddim' },
  euler: { kind: 'euler' },
  heun: { kind: 'heun', spacing: 'trailing' },
  unipc: { kind: 'unipc' },
  pndm: { kind: 'pndm' },
} satisfies Record<string, SolverOptions>;
const cases = Object.keys(schedules).flatMap(schedule => Object.keys(solvers).map(solver => [schedule, solver]));

describe('a start in the middle', () => {
  it.each(cases)('changes more with more strength, from nothing on: %s, %s', async (schedule, solver) => {
    const changes = {
      schedule: schedules[schedule as keyof typeof schedules],
      solver: solvers[solver as keyof typeof solvers],
    };
    const distances: number[] = [];
    for (const strength of [0, 0.02, 0.1, 0.3, 0.6, 0.9]) {
      distances.push(distance(await sampled(requestOf(strength, changes))));
    }
    expect(distances[0]).toBe(0);
    expect(distances[1]).toBeLessThan(0.15); // the noise that was added
    expect(distances).toEqual(distances.toSorted((a, b) => a - b));
    expect(distances.at(-1)).toBeGreaterThan(0.25);
  });

  it('at strength 1 is no start at all', async () => {
    const { start: _, ...plain } = requestOf(1);
    expect(await sampled(requestOf(1))).toEqual(await sampled(plain));
  });

  it.each([0, 0.0005, 0.004, 0.25, 0.5, 0.99, 1])(
    'makes as many requests as it announces, at strength %d',
    async strength => {
      for (const mode of ['t2i', 'i2t2i'] as const) {
        const request = requestOf(strength, { mode, steps: 10, given: { image, ...(mode === 't2i' && { text }) } });
        const run = sampleRun(request);
        const predict = predictorOf(request.schedule);
        let asked = 0;
        let turn = run.next();
        for (; !turn.done; turn = run.next(await predict(turn.value.evaluations, {}))) asked++;
        expect(asked).toBe(countEvaluationRequests(request));
        const own = strength < 0.001 ? 0 : Math.max(1, Math.round(10 * strength));
        expect(asked).toBe(own + (mode === 'i2t2i' ? 10 : 0));
      }
    },
  );

  it('leaves what is kept exactly', async () => {
    const mask = Uint8Array.from({ length: 32 }, (_, i) => i % 2);
    const values = new Float32Array(32).fill(0.125);
    for (const strength of [0, 0.4, 1]) {
      const { image: made } = await sampled(requestOf(strength, { known: { z: { values, mask } } }));
      expect(made!.z.filter((_, i) => i % 2 === 1)).toEqual(new Float32Array(16).fill(0.125));
    }
  });

  it.each([
    [{ start: { latents: { image }, strength: 1.5 } }, /strength must be a number from 0 to 1, got 1.5/],
    [{ start: { latents: { image }, strength: Number.NaN } }, /got NaN/],
    [{ start: { latents: { text }, strength: 0.5 } }, /cannot start/],
    [{ mode: 'joint' as const }, /cannot start/],
    [{ start: { latents: { image: { ...image, c: text } }, strength: 0.5 } }, /start.c must fill/],
  ])('is refused where it makes no sense', (changes, message) => {
    expect(() => sampleRun(requestOf(0.5, changes))).toThrow(message);
  });
});
