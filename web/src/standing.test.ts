import { describe, expect, it } from 'vitest';
import { tabOf } from './calls.ts';
import { callOf, type Form, toBody } from './form.ts';
import { type JobState, jobFromView } from './job-state.ts';
import { shownFor, standingOf } from './standing.ts';
import { callIn, formOf, known } from './testing/known.ts';
import type { WireJob, WireRequest } from './wire.ts';

const picture = (letter: string) => ({ name: `${letter}.png`, url: `data:image/png;base64,${letter}` });

function jobOf(mode: string, request: WireRequest, status: WireJob['status'] = 'succeeded'): JobState {
  const view = { id: 'job_1', created: 1, started: null, ended: null, queue_position: null, progress: null };
  const urls = { get: '', events: '', cancel: '' };
  return jobFromView({ ...view, mode, status, request, result: null, error: null, urls });
}

/** How a job of `form` stands beside the form as `change` makes it. */
function standing(form: Form, request: WireRequest, change: Partial<Form>, status?: WireJob['status']) {
  const shown = shownFor('job_1', form, toBody(form, callIn(form.mode), known));
  return standingOf(jobOf(form.mode, request, status), shown, filled({ ...form, ...change }));
}

function filled(form: Form) {
  const tab = tabOf(known.calls[form.mode]!)!;
  return { form, formCall: callOf(tab, form, known)!, known };
}

describe('a result beside the form', () => {
  const draw: Form = formOf('t2i', { prompt: ' two hearts ' });
  const describe_: Form = formOf('i2t', { image: picture('A') });
  const inpaint: Form = formOf('inpaint', { image: picture('A'), mask: picture('M') });
  const mix = formOf('interpolate', { kind: 'pictures', image: picture('A'), image2: picture('B') });

  it('belongs to it while nothing changes but settings', () => {
    expect(standing(draw, { prompt: 'two hearts' }, { n: 2, seed: 4, options: { t2i: { steps: 3 } } })).toBe('current');
    expect(standing(describe_, { image_url: '/a' }, { image: picture('A') })).toBe('current');
    expect(standing(inpaint, { image_url: '/a', mask_url: '/m' }, {})).toBe('current');
    expect(standing(mix, { image_url: '/a', image2_url: '/b' }, {})).toBe('current');
    expect(standing(formOf('joint'), {}, { prompt: 'not read by this mode' })).toBe('current');
  });

  it('is a former one when words, mode, mask or what is wanted out change', () => {
    expect(standing(draw, { prompt: 'two hearts' }, { prompt: 'two hats' })).toBe('former');
    expect(standing(draw, { prompt: 'two hearts' }, { options: { t2i: { negative_prompt: 'red' } } })).toBe('former');
    expect(standing(formOf('joint'), {}, { mode: 'i' })).toBe('former');
    expect(standing(inpaint, { image_url: '/a', mask_url: '/m' }, { mask: picture('N') })).toBe('former');
    expect(standing(inpaint, { image_url: '/a', mask_url: '/m' }, { kind: 'words', prompt: 'a _' })).toBe('former');
    expect(standing(describe_, { image_url: '/a' }, { image: null })).toBe('former');
  });

  it('is gone when another picture takes the place of its own, and back with it', () => {
    expect(standing(describe_, { image_url: '/a' }, { image: picture('B') })).toBe('gone');
    expect(standing(inpaint, { image_url: '/a', mask_url: '/m' }, { image: picture('B'), mask: null })).toBe('gone');
    expect(standing(mix, { image_url: '/a', image2_url: '/b' }, { image2: picture('C') })).toBe('gone');
    expect(standing(mix, { image_url: '/a', image2_url: '/b' }, { image: picture('B'), image2: picture('A') })).toBe(
      'gone',
    );
  });

  it('stays in sight while it is being made, as what is under way', () => {
    expect(standing(describe_, { image_url: '/a' }, { image: picture('B') }, 'running')).toBe('former');
  });

  it('is not taken for that of pictures that nobody knows', () => {
    const job = jobOf('i2t', { image_url: '/a' }, 'running');
    expect(standingOf(job, { id: 'job_1', pictures: {} }, filled(describe_))).toBe('former');
  });
});
