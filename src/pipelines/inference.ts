/** The process that computes for all loaded models, as users, the server and the command line see it. */
import { compile, type InferenceStatus, sessionHost } from '../engine/index.ts';

export type { InferenceStatus } from '../engine/index.ts';

const mebibyte = 2 ** 20;

export const inference = {
  /** Its present state, and how often it was replaced or ended so far. */
  status(): InferenceStatus {
    return sessionHost.status;
  },

  /**
   * Sets the ceiling of its resident memory in MiB, or lifts it (0). A process over the ceiling is replaced between two
   * calls, and models are loaded again into the new one. While it holds training state, it is not replaced.
   */
  setMaxMemory(mebibytes: number): void {
    sessionHost.setMaxMemory(mebibytes === 0 ? undefined : mebibytes * mebibyte);
  },

  /** Calls `listener` whenever it ended unexpectedly. Returns a function that stops this. */
  onDeath(listener: () => void): () => void {
    return sessionHost.onDeath(listener);
  },

  /**
   * Starts it, computes something in it and returns its state after that.
   * @throws DuetError 'worker-died' if it cannot be started here
   */
  async check(): Promise<InferenceStatus> {
    const executable = await compile(({ inputs }) => ({ outputs: { y: inputs['x']!.mul(2) } }), {
      inputs: { x: { dtype: 'float32', shape: [1] } },
    });
    await executable.run({ x: { dtype: 'float32', shape: [1], data: Float32Array.of(1) } });
    await executable.release();
    return sessionHost.status;
  },
} as const;
