/**
 * The `logs` of a prediction: its seed, and its progress as tqdm draws it, which Replicate's clients read back, and
 * whether the model only guesses what the picture given shows.
 */
import { unfamiliarNotice } from '../../../src/pipelines/index.ts';
import type { JobView } from '../../jobs/types.ts';

const barLength = 10;

/** `steps` of a job that is over. */
export function progressLog(view: JobView, steps: number, now = Date.now()): string {
  const { status, progress, request, result, started = now, ended = now } = view;
  const seed = request.seed === undefined ? '' : `Using seed: ${request.seed}\n`;
  const elapsed = ended - started;
  const notice = result?.isFamiliar === false ? `Warning: ${unfamiliarNotice}\n` : '';
  if (status === 'succeeded') return `${seed}${progressLine(steps, steps, elapsed, 0)}\n${notice}`;
  if (!progress) return seed;
  return `${seed}${progressLine(progress.step, progress.steps, elapsed, progress.etaMs)}\n`;
}

function progressLine(step: number, steps: number, elapsedMs: number, etaMs: number | null): string {
  const share = steps > 0 ? Math.min(1, step / steps) : 0;
  const percent = String(Math.floor(100 * share)).padStart(3);
  const full = Math.floor(barLength * share);
  const tenths = Math.floor(10 * (barLength * share - full));
  const bar = `${'#'.repeat(full)}${tenths > 0 ? tenths : ''}`.padEnd(barLength);
  const rest = etaMs === null ? '?' : clock(etaMs);
  return `${percent}%|${bar}| ${step}/${steps} [${clock(elapsedMs)}<${rest}]`;
}

function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  return [Math.floor(seconds / 60), seconds % 60].map(part => String(part).padStart(2, '0')).join(':');
}
