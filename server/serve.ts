/** The server as a process has it: models loaded, listening, and brought down without losing a job. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { DuetError } from '../src/core/errors.ts';
import { inference, type LoadOptions } from '../src/pipelines/index.ts';
import { checkApiKeys } from './api-keys.ts';
import { buildApp } from './app.ts';
import type { ServerConfig } from './config.ts';
import { type LogStream, loggerOptions } from './logging.ts';
import { reachableAddresses } from './reachable-addresses.ts';
import type { LoadedModel } from './types.ts';

export interface ServeOptions {
  readonly config: ServerConfig;
  readonly load: (name: string, options: LoadOptions) => Promise<LoadedModel>;
  readonly logs: LogStream & { readonly isTTY?: boolean };
  /** Cancels loading. */
  readonly signal?: AbortSignal;
}

export interface RunningServer {
  /** Where it listens, such as `http://127.0.0.1:7860`. */
  readonly url: string;
  /** All addresses at which it can be opened, this machine's own first. */
  readonly addresses: readonly string[];
  /** Takes no more jobs, gives running ones `shutdownSeconds`, releases the model. Idempotent. */
  close(): Promise<void>;
  /** Resolves once it is closed. */
  readonly closed: Promise<void>;
  /** Writes an error to the log. */
  logError(error: unknown, message: string): void;
}

export async function startServer({ config, load, logs, signal }: ServeOptions): Promise<RunningServer> {
  const { device, precision, threads, host, port } = config;
  checkApiKeys(config.apiKeys);
  inference.setMaxMemory(config.maxMemory);
  const loaded = await load(config.model, {
    device,
    precision,
    ...(threads > 0 && { threads }),
    ...(signal && { signal }),
  });
  let app: FastifyInstance | undefined;
  try {
    app = await buildApp({ config, models: [loaded], logger: loggerOptions(config.logLevel, logs) });
    await app.listen({ host, port, listenTextResolver: address => `listening at ${address}` });
    const { port: taken } = app.server.address() as AddressInfo; // a socket of TCP has no other
    const addresses = reachableAddresses(host, taken);
    app.log.info({ addresses }, 'can be opened');
    return running(app, loaded, addresses, config.shutdownSeconds * 1000);
  } catch (error) {
    await app?.close();
    await loaded.model?.release();
    throw toListenError(error, config);
  }
}

function running(
  app: FastifyInstance,
  { model }: LoadedModel,
  addresses: readonly string[],
  drainMs: number,
): RunningServer {
  let closing: Promise<void> | undefined;
  let report: () => void = () => {};
  const closed = new Promise<void>(resolve => {
    report = resolve;
  });
  const close = async () => {
    await app.drain(drainMs);
    await app.close();
    await model?.release();
    report();
  };
  return {
    url: addresses[0] ?? '',
    addresses,
    closed,
    close: () => {
      closing ??= close();
      return closing;
    },
    logError: (error, message) => app.log.error({ err: error }, message),
  };
}

function toListenError(error: unknown, { host, port }: ServerConfig): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') {
    return new DuetError('invalid-config', `Port ${port} of ${host} is taken; choose another with --port`, {
      cause: error,
    });
  }
  if (code !== 'EADDRNOTAVAIL' && code !== 'EACCES' && code !== 'ENOTFOUND') return error;
  return new DuetError('invalid-config', `Cannot listen on ${host}, port ${port}: ${code}`, { cause: error });
}
