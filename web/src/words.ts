/** Texts that are put together: durations, places in the queue, names of modes and fields. */
import { countOf, labelOf, type TabId } from './calls.ts';
import type { MissingName } from './form.ts';
import type { JobState } from './job-state.ts';
import type { Capabilities, WireCall } from './wire.ts';

export const tabNames = {
  chat: 'Chat',
  draw: 'Draw',
  describe: 'Describe',
  imagine: 'Imagine',
  vary: 'Vary & Mix',
  inpaint: 'Inpaint',
} as const satisfies Record<TabId, string>;

const countNames = {
  images: 'Pictures',
  captions: 'Captions',
  pairs: 'Pairs',
  answer: 'Answers',
} as const satisfies Record<WireCall['makes'], string>;

/** The name of the field that says how many there will be. */
export function countLabel(call: WireCall, { options }: Capabilities): string {
  const count = countOf(call);
  return count === 'n' ? countNames[call.makes] : labelOf(count, options[count]);
}

export function duration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return 'under a second';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** When something was made: the time today, else the day. */
export function whenMade(created: number, now: number): string {
  const [then, today] = [new Date(created), new Date(now)];
  if (then.toDateString() === today.toDateString()) {
    return then.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  }
  const isThisYear = then.getFullYear() === today.getFullYear();
  return then.toLocaleDateString(undefined, {
    day: 'numeric',
    month: 'short',
    ...(!isThisYear && { year: 'numeric' }),
  });
}

/** A number with its noun, in the singular or with an s. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** One line on how a job is doing, for eyes and screen readers alike. */
export function statusLine(job: JobState): string {
  switch (job.status) {
    case 'queued':
      if (!job.position) return 'Next in line';
      return job.position === 1 ? 'Waiting, one job ahead' : `Waiting, ${job.position} jobs ahead`;
    case 'running': {
      if (!job.progress) return 'Starting';
      const { step, steps, eta_ms } = job.progress;
      const left = eta_ms === null ? '' : `, ${duration(eta_ms)} left`;
      return `Step ${step} of ${steps}${left}`;
    }
    case 'succeeded':
      return job.took === null ? 'Done' : `Done in ${duration(job.took)}`;
    case 'failed':
      return job.error?.message ?? 'It failed';
    case 'cancelled':
      return job.progress ? `Cancelled after step ${job.progress.step} of ${job.progress.steps}` : 'Cancelled';
  }
}

/** What to do before a form can run. */
export function missingLine(missing: readonly MissingName[]): string {
  const requests = {
    prompt: 'write a caption',
    prompt2: 'write the second caption',
    image: 'add a picture',
    image2: 'add the second picture',
    mask: 'paint over what should change',
    gap: 'put _ where words should be found',
  } satisfies Record<MissingName, string>;
  const texts = missing.map(name => requests[name]);
  const line = texts.length > 1 ? `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}` : (texts[0] ?? '');
  return line && `${line[0]?.toUpperCase()}${line.slice(1)} first`;
}
