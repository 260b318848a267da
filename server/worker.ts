/** A worker as a process has it: a model, a queue to take from, and an end that loses no job. */
import { DuetError } from '../src/core/errors.ts';
import { inference, type LoadOptions } from '../src/pipelines/index.ts';
import type { ServerConfig } from './config.ts';
import { startRedisWorker } from './jobs/redis/worker.ts';
import { type LogStream, serializeError } from './logging.ts';
import type { LoadedModel, ServedModel } from './types.ts';

export interface WorkerOptions {
  readonly config: ServerConfig;
  readonly load: (name: string, options: LoadOptions) => Promise<LoadedModel & { readonly model: ServedModel }>;
  readonly logs: LogStream;
  /** Cancels loading. */
  readonly signal?: AbortSignal;
}

export interface RunningWorker {
  /** Takes no more jobs, gives running ones `shutdownSeconds`, releases the model. Idempotent. */
  close(): Promise<void>;
  /** Resolves once it is closed. */
  readonly closed: Promise<void>;
}

/** @throws DuetError 'invalid-config' without a queue */
export async function startWorker({ config, load, logs, signal }: WorkerOptions): Promise<RunningWorker> {
  const { queue, device, precision, threads, maxRunning, shutdownSeconds } = config;
  if (queue === null) {
    throw new DuetError('invalid-config', 'A worker needs a queue: --queue redis://host:6379, the same as the server');
  }
  inference.setMaxMemory(config.maxMemory);
  const model = await load(config.model, {
    device,
    precision,
    ...(threads > 0 && { threads }),
    ...(signal && { signal }),
  });
  const log = {
    error({ err: error, ...details }: { err?: unknown }, message: string) {
      const line = { level: 50, time: Date.now(), ...details, err: serializeError(error), msg: message };
      logs.write(`${JSON.stringify(line)}\n`);
    },
  };
  const worker = await startRedisWorker({ url: queue, model, concurrency: maxRunning, log });
  let closing: Promise<void> | undefined;
  let report: () => void = () => {};
  const closed = new Promise<void>(resolve => {
    report = resolve;
  });
  const close = async () => {
    await worker.close(shutdownSeconds * 1000);
    await model.model.release();
    report();
  };
  return {
    closed,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}
