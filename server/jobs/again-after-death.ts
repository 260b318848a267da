/**
 * Jobs during which the inference process ended unexpectedly are computed again. One of them may be the cause: jobs that were
 * interrupted twice are computed one after the other, so that only the cause fails.
 */
import PQueue from 'p-queue';
import { DuetError } from '../../src/core/errors.ts';

/** A job that was interrupted this often is not tried again. */
const mostDeaths = 3;

/** One queue for all, as all models share the inference process. */
const suspects = new PQueue({ concurrency: 1 });

/**
 * Resolves with the result of `compute`, which is called again when the inference process ended unexpectedly during it.
 * @throws DuetError 'worker-died' after the third time, what `compute` throws, and what `signal` is aborted with
 */
export async function againAfterDeath<T>(compute: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let deaths = 0; ; ) {
    try {
      const isSuspect = deaths === mostDeaths - 1;
      return await (isSuspect ? suspects.add(compute, { signal }) : compute());
    } catch (error) {
      signal.throwIfAborted();
      if (!DuetError.isInstance(error) || error.code !== 'worker-died') throw error;
      deaths++;
      if (deaths < mostDeaths) continue;
      throw new DuetError(
        'worker-died',
        `The inference process died ${deaths} times while this job was computed, so it is not tried again. Ask for fewer or ` +
          `smaller samples; if other jobs fail too, the machine may be out of memory. The last time: ${error.message}`,
        { cause: error },
      );
    }
  }
}
