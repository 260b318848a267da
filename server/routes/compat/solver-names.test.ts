import { describe, expect, it } from 'vitest';
import { chooseSchedule, chooseSolver, namedSolvers, readSolver } from './solver-names.ts';

/** The menu of stable-diffusion-webui 1.10. */
const a1111 = {
  'dpm-multistep': [
    'DPM++ 2M',
    'DPM++ SDE',
    'DPM++ 2M SDE',
    'DPM++ 2M SDE Heun',
    'DPM++ 3M SDE',
    'LMS',
    'PLMS',
    'UniPC',
  ],
  'dpm-singlestep': ['DPM++ 2S a', 'Heun', 'DPM2', 'DPM2 a', 'DPM fast', 'DPM adaptive', 'Restart'],
  ddim: ['Euler a', 'Euler', 'DDIM', 'DDIM CFG++', 'LCM'],
};
const menu = Object.entries(a1111).flatMap(([solver, names]) => names.map(name => [name, solver] as const));

describe('chooseSolver', () => {
  it.each(menu)('takes %s for %s in every spelling, with every schedule', (name, solver) => {
    const plain = name.replaceAll('++', 'pp').replaceAll(' ', '_').toLowerCase();
    const spellings = [name, name.toLowerCase(), name.toUpperCase(), ` ${name} `, name.replaceAll(' ', '')];
    for (const spelling of [...spellings, plain, `k_${plain}`, `sample_${plain}`, plain.replaceAll('_', '-')]) {
      expect(chooseSolver(spelling), spelling).toEqual({ solver, isExact: ['DPM++ 2M', 'DDIM'].includes(name) });
      for (const schedule of ['Karras', 'exponential', '_sgm_uniform', ' Align Your Steps']) {
        expect(chooseSolver(`${spelling} ${schedule}`), schedule).toEqual({ solver, isExact: false });
      }
      expect(chooseSolver(`${spelling} Automatic`)?.isExact).toBe(chooseSolver(spelling)?.isExact);
    }
  });

  it.each([
    ['DPMSolverMultistepScheduler', 'dpm-multistep', true],
    ['DPMSolverMultistep', 'dpm-multistep', true],
    ['dpm-multistep', 'dpm-multistep', true],
    ['KarrasDPM', 'dpm-multistep', false],
    ['PNDMScheduler', 'dpm-multistep', false],
    ['UniPCMultistepScheduler', 'dpm-multistep', false],
    ['KLMS', 'dpm-multistep', false],
    ['LMSDiscreteScheduler', 'dpm-multistep', false],
    ['DPMSolverSinglestepScheduler', 'dpm-singlestep', true],
    ['HeunDiscrete', 'dpm-singlestep', false],
    ['KDPM2AncestralDiscreteScheduler', 'dpm-singlestep', false],
    ['DDIMScheduler', 'ddim', true],
    ['K_EULER_ANCESTRAL', 'ddim', false],
    ['EulerAncestralDiscreteScheduler', 'ddim', false],
    ['euler_ancestral_cfg_pp', 'ddim', false],
    ['dpmpp_3m_sde_gpu', 'dpm-multistep', false],
    ['uni_pc_bh2', 'dpm-multistep', false],
  ])('knows %s of diffusers, Replicate and ComfyUI', (name, solver, isExact) => {
    expect(chooseSolver(name)).toEqual({ solver, isExact });
  });

  it('leaves it to the model where a client does, and knows the names that it lists', () => {
    expect(chooseSolver('Automatic')).toEqual({ solver: undefined, isExact: true });
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
  for (const name of ['Karras', 'karras', 'sgm_uniform', 'SGM Uniform', 'align_your_steps', 'DDIM', 'ddim_uniform']) {
    expect(chooseSchedule(name)).toEqual({ isExact: false });
  }
  expect(chooseSchedule('magic')).toBeUndefined();
});

it('readSolver takes schedules for none and lists the names it knows', () => {
  expect(['karras', '', undefined, 'automatic'].map(name => readSolver('scheduler', name))).toEqual(
    Array(4).fill(undefined),
  );
  expect(readSolver('scheduler', 'DDIM')).toBe('ddim');
  const expected = { param: 'scheduler', code: 'unsupported_value' };
  expect(() => readSolver('scheduler', 'magic')).toThrow(expect.objectContaining(expected));
  expect(() => readSolver('scheduler', 'magic')).toThrow(/'magic'.*dpm-multistep \(DPM\+\+ 2M\).*Euler a/);
});
