import { describe, expect, it } from 'vitest';
import { hasNoiseSchedule, solverNames } from '../../../src/pipelines/index.ts';
import { chooseSchedule, chooseSolver, namedSolvers, readSolver } from './solver-names.ts';

/** The menu of stable-diffusion-webui 1.10, and what it comes to. */
const a1111 = {
  'dpm-multistep': ['DPM++ 2M', 'LMS'],
  'dpm-multistep-sde': ['DPM++ 2M SDE', 'DPM++ SDE', 'DPM++ 2M SDE Heun', 'DPM++ 3M SDE'],
  'dpm-singlestep': ['DPM++ 2S a', 'DPM fast', 'DPM adaptive'],
  heun: ['Heun', 'DPM2', 'DPM2 a', 'Restart'],
  pndm: ['PLMS'],
  unipc: ['UniPC'],
  'euler-ancestral': ['Euler a'],
  euler: ['Euler'],
  ddim: ['DDIM', 'DDIM CFG++'],
  lcm: ['LCM'],
} as const;
const exact = ['DPM++ 2M', 'DPM++ 2M SDE', 'Heun', 'PLMS', 'UniPC', 'Euler a', 'Euler', 'DDIM', 'LCM'];
const menu = Object.entries(a1111).flatMap(([solver, names]) =>
  names.map(name => [name, solver as keyof typeof a1111] as const),
);

describe('chooseSolver', () => {
  it.each(menu)('takes %s for %s in every spelling, with every schedule', (name, solver) => {
    const plain = name.replaceAll('++', 'pp').replaceAll(' ', '_').toLowerCase();
    const spellings = [name, name.toLowerCase(), name.toUpperCase(), ` ${name} `, name.replaceAll(' ', '')];
    const isExact = exact.includes(name);
    for (const spelling of [...spellings, plain, `k_${plain}`, `sample_${plain}`, plain.replaceAll('_', '-')]) {
      expect(chooseSolver(spelling), spelling).toEqual({ solver, isExact });
      for (const [schedule, noiseSchedule] of [
        ['Karras', 'karras'],
        ['exponential', 'exponential'],
        ['_beta', 'beta'],
      ] as const) {
        const fits = hasNoiseSchedule(solver, noiseSchedule);
        const choice = { solver, ...(fits && { noiseSchedule }), isExact: isExact && fits };
        expect(chooseSolver(`${spelling} ${schedule}`), schedule).toEqual(choice);
      }
      for (const schedule of ['_sgm_uniform', ' Align Your Steps']) {
        expect(chooseSolver(`${spelling} ${schedule}`), schedule).toEqual({ solver, isExact: false });
      }
      expect(chooseSolver(`${spelling} Automatic`)?.isExact).toBe(isExact);
    }
  });

  it.each([
    ['DPMSolverMultistepScheduler', 'dpm-multistep', true],
    ['DPMSolverMultistep', 'dpm-multistep', true],
    ['PNDMScheduler', 'pndm', true],
    ['UniPCMultistepScheduler', 'unipc', true],
    ['KLMS', 'dpm-multistep', false],
    ['LMSDiscreteScheduler', 'dpm-multistep', false],
    ['DPMSolverSinglestepScheduler', 'dpm-singlestep', true],
    ['HeunDiscrete', 'heun', true],
    ['KDPM2AncestralDiscreteScheduler', 'heun', false],
    ['DDIMScheduler', 'ddim', true],
    ['DDPMScheduler', 'ddpm', true],
    ['LCMScheduler', 'lcm', true],
    ['EulerDiscreteScheduler', 'euler', true],
    ['K_EULER_ANCESTRAL', 'euler-ancestral', true],
    ['EulerAncestralDiscreteScheduler', 'euler-ancestral', true],
    ['euler_ancestral_cfg_pp', 'euler-ancestral', false],
    ['dpmpp_2m_sde_gpu', 'dpm-multistep-sde', true],
    ['dpmpp_3m_sde_gpu', 'dpm-multistep-sde', false],
    ['uni_pc_bh2', 'unipc', true],
    ['uni_pc', 'unipc', true],
  ])('knows %s of diffusers, Replicate and ComfyUI', (name, solver, isExact) => {
    expect(chooseSolver(name)).toEqual({ solver, isExact });
  });

  it('knows the names that are a solver and a schedule', () => {
    expect(chooseSolver('KarrasDPM')).toEqual({ solver: 'dpm-multistep', noiseSchedule: 'karras', isExact: true });
    expect(chooseSolver('DPM++ 2M SDE Karras')).toEqual({
      solver: 'dpm-multistep-sde',
      noiseSchedule: 'karras',
      isExact: true,
    });
  });

  it('leaves it to the model where a client does, and knows the names that it lists', () => {
    expect(chooseSolver('Automatic')).toEqual({ solver: undefined, isExact: true });
    expect(namedSolvers.map(({ solver }) => solver)).toEqual(solverNames);
    for (const { solver, label, aliases, relatives } of namedSolvers) {
      for (const name of [label, ...aliases]) expect(chooseSolver(name), name).toEqual({ solver, isExact: true });
      for (const name of relatives) expect(chooseSolver(name), name).toEqual({ solver, isExact: false });
    }
  });

  it.each(['magic', '', ' ', '++', 'k', 'karras', 'constructor', '__proto__', 'ddimm', 'x'.repeat(100_000)])(
    'does not know %.40j',
    name => {
      expect(chooseSolver(name)).toBeUndefined();
    },
  );
});

it('chooseSchedule knows those of A1111 and ComfyUI', () => {
  expect(chooseSchedule('automatic')).toEqual({ isExact: true });
  expect(chooseSchedule('Karras')).toEqual({ noiseSchedule: 'karras', isExact: true });
  expect(chooseSchedule('normal')).toEqual({ noiseSchedule: 'uniform', isExact: true });
  for (const name of ['sgm_uniform', 'SGM Uniform', 'align_your_steps', 'DDIM', 'ddim_uniform']) {
    expect(chooseSchedule(name)).toEqual({ isExact: false });
  }
  expect(chooseSchedule('magic')).toBeUndefined();
});

it('readSolver takes schedules alone too and lists the names it knows', () => {
  expect(['', undefined, 'automatic'].map(name => readSolver('scheduler', name))).toEqual(Array(3).fill({}));
  expect(readSolver('scheduler', 'karras')).toEqual({ noiseSchedule: 'karras' });
  expect(readSolver('scheduler', 'DDIM')).toEqual({ solver: 'ddim' });
  expect(readSolver('scheduler', 'Euler Karras')).toEqual({ solver: 'euler', noiseSchedule: 'karras' });
  const expected = { param: 'scheduler', code: 'unsupported_value' };
  expect(() => readSolver('scheduler', 'magic')).toThrow(expect.objectContaining(expected));
  expect(() => readSolver('scheduler', 'magic')).toThrow(/'magic'.*dpm-multistep \(DPM\+\+ 2M\).*LMS/);
});
