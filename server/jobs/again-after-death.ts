/**
 * Jobs during which the inference process died are computed again. One of them may be what kills it: those that have seen two
 * deaths are computed one after the other, so that it fails alone.
 */
import PQueue from 'p-queue';
import { DuetError } from '../../src/core/errors.ts';

/** A job that was being computed at so many deaths is not tried again. */
const mostDeaths = 3;

/** There is one inference process, whoever uses it. */
const suspects = new PQueue({ concurrency: 1 });

/**
 * Resolves with what `compute` gives, which is called again when the inference process died of it or beside it.
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
