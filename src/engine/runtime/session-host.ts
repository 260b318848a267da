/** The main thread's end of the session worker: starts it when first needed, matches replies to requests, notices its death. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { DuetError } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import type { Envelope, Reply, Request } from './protocol.ts';

interface Pending {
  readonly resolve: (tensors: Record<string, HostTensor>) => void;
  readonly reject: (error: Error) => void;
}

/** Built, the worker is a plain module; run from source it is TypeScript, which a worker reads only after registering tsx itself. */
function startWorker(): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./session-worker.js', import.meta.url));
  const loader = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/cjs$/, 'mjs'),
  ).href;
  const module = new URL('./session-worker.ts', import.meta.url).href;
  return new Worker(`import('${loader}').then(tsx => (tsx.register(), import('${module}')))`, { eval: true });
}

class SessionHost {
  #worker: Worker | undefined;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** Counts workers: what was loaded into an earlier one is gone. */
  generation = 0;

  /** An id that no other session or store of this process has. */
  newId(): number {
    return this.#nextId++;
  }

  /**
   * Sends one request, `memory` along with it: what lies there is gone here. Rejects with `worker-died` if the worker ends
   * before it answers.
   */
  send(request: Request, memory: readonly ArrayBuffer[] = []): Promise<Record<string, HostTensor>> {
    const worker = this.ensureWorker();
    const envelope: Envelope = { ...request, id: this.newId() };
    return new Promise((resolve, reject) => {
      this.#pending.set(envelope.id, { resolve, reject });
      worker.ref();
      worker.postMessage(envelope, memory);
    });
  }

  /** Starts a worker unless one is alive; afterwards `generation` is the living worker's. */
  ensureWorker(): Worker {
    if (this.#worker) return this.#worker;
    const worker = startWorker();
    this.generation++;
    worker.on('message', (reply: Reply) => this.#settle(reply));
    worker.on('error', error => this.#died(worker, error));
    worker.on('exit', code => this.#died(worker, new Error(`exit code ${code}`)));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  /** Whether the worker of that generation still runs. */
  isAlive(generation: number): boolean {
    return this.#worker !== undefined && this.generation === generation;
  }

  /** Ends the worker and everything in it; the next request starts a new one. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    // An idle worker must not keep the process alive.
    if (this.#pending.size === 0) this.#worker?.unref();
    if ('error' in reply) pending?.reject(new Error(reply.error));
    else pending?.resolve(reply.tensors);
  }

  #died(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const error = new DuetError(
      'worker-died',
      `The inference worker ended while it was needed (${cause.message}). Its models are loaded again at the next call; if this repeats, the machine may be out of memory.`,
      { cause },
    );
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** One worker per process: two sessions computing at once would only fight for the cores. */
export const sessionHost = new SessionHost();
