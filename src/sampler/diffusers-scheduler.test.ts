/** Scheduler configurations as the published folders hold them. What the solvers compute is golden-checked. */
import { describe, expect, it } from 'vitest';
import { readScheduler } from './diffusers-scheduler.ts';
import { parseSchedulerJson } from './diffusers-scheduler-schema.ts';
import { solverNames } from './solver-names.ts';

const latent = { beta_start: 0.00085, beta_end: 0.012, beta_schedule: 'scaled_linear', num_train_timesteps: 1000 };
/** Stable Diffusion 1.5. */
const pndm = {
  ...latent,
  _class_name: 'PNDMScheduler',
  _diffusers_version: '0.7.0.dev0',
  clip_sample: false,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
};

describe('readScheduler', () => {
  it('reads the schedulers of the published models', () => {
    expect(readScheduler(pndm, 'x')).toMatchObject({
      prediction: 'epsilon',
      solver: { kind: 'pndm', spacing: 'leading', stepsOffset: 1, finalSigma: 'min', rungeKutta: false },
    });
    // Stable Diffusion 2.1
    const v = { ...pndm, _class_name: 'DDIMScheduler', prediction_type: 'v_prediction' };
    const read = readScheduler(v, 'x');
    expect(read).toMatchObject({ prediction: 'v', solver: { kind: 'ddim', stepsOffset: 1, finalSigma: 'min' } });
    expect(read.solver).not.toHaveProperty('clip');
    expect(read.schedule.at(999).alpha ** 2).toBeCloseTo(0.0046601, 6);
    // Stable Diffusion Turbo
    const turbo = {
      ...latent,
      _class_name: 'EulerDiscreteScheduler',
      timestep_spacing: 'trailing',
      interpolation_type: 'linear',
      use_karras_sigmas: false,
    };
    expect(readScheduler(turbo, 'x').solver).toEqual({
      kind: 'euler',
      spacing: 'trailing',
      stepsOffset: 0,
      finalSigma: 'zero',
    });
    // Dreamshaper LCM
    const lcm = {
      ...latent,
      _class_name: 'LCMScheduler',
      original_inference_steps: 50,
      clip_sample: false,
      timestep_scaling: 10,
    };
    expect(readScheduler(lcm, 'x').solver).toEqual({ kind: 'lcm', originalSteps: 50, timestepScaling: 10 });
  });

  it.each(solverNames)('takes %s instead, with what the file itself says and the other class leaves open', solver => {
    const { prediction, solver: options } = readScheduler({ ...pndm, prediction_type: 'v_prediction' }, 'x', {
      solver,
    });
    expect(prediction).toBe('v');
    expect(options.kind).toBe(solver === 'dpm-multistep-sde' ? 'dpm-multistep' : solver);
    // The spacing is PNDM's default, not the file's word, so Euler's own is taken.
    if (options.kind === 'euler') expect(options).toMatchObject({ spacing: 'linspace', stepsOffset: 1 });
    if (options.kind === 'dpm-multistep') expect(options.stochastic).toBe(solver === 'dpm-multistep-sde');
    if (options.kind === 'dpm-singlestep') expect(options.method).toBe('grid');
  });

  it('takes a noise schedule where the solver has one', () => {
    const karras = { ...latent, _class_name: 'DPMSolverMultistepScheduler', use_karras_sigmas: true };
    expect(readScheduler(karras, 'x').solver).toMatchObject({ sigmas: 'karras' });
    expect(readScheduler(karras, 'x', { noiseSchedule: 'uniform' }).solver).not.toHaveProperty('sigmas');
    expect(readScheduler(karras, 'x', { noiseSchedule: 'beta' }).solver).toMatchObject({ sigmas: 'beta' });
    expect(() => readScheduler(pndm, 'x', { noiseSchedule: 'karras' })).toThrow(
      'The noise schedule karras goes with the solvers dpm-multistep',
    );
  });

  it.each([
    [
      { ...latent, _class_name: 'LMSDiscreteScheduler' },
      'scheduler LMSDiscreteScheduler is not known; known are DDIMScheduler, DDPM',
    ],
    [latent, 'scheduler undefined is not known'],
    [{ ...pndm, _class_name: 'constructor' }, 'scheduler constructor is not known'],
    [{ ...pndm, beta_schedule: 'exp' }, 'beta_schedule must be one of linear, scaled_linear, squaredcos_cap_v2'],
    [{ ...pndm, steps_offset: -1 }, 'steps_offset must be >= 0'],
    [{ ...pndm, thresholding: true }, 'thresholding'],
    [{ ...pndm, shiny: 3 }, 'the key shiny is not known; known are'],
    [7, 'the whole file'],
  ])('refuses %j', (config, message) => {
    expect(() => readScheduler(config, 'scheduler_config.json')).toThrow(`scheduler_config.json: `);
    expect(() => readScheduler(config, 'scheduler_config.json')).toThrow(message);
  });

  it('lets keys pass that are off', () => {
    expect(() => readScheduler({ ...pndm, shiny: false, use_new_thing: null, thresholding: false }, 'x')).not.toThrow();
  });
});

it("parseSchedulerJson reads Python's infinity", () => {
  const text = '{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity}';
  expect(parseSchedulerJson(text, 'x')).toMatchObject({ lambda_min_clipped: Number.NEGATIVE_INFINITY });
  expect(() => parseSchedulerJson('{', 'x')).toThrow('x is not JSON');
});
