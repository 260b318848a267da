/** A real redis-server for tests, and workers and servers that use it as processes of their own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

export interface TestRedis {
  readonly url: string;
  /** On the same port and folder as before. */
  start(): Promise<void>;
  stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Its connections stay open, and nothing comes back over them. */
  freeze(isFrozen: boolean): void;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** Not started yet. Every write is in its append-only file before it is answered. */
export async function testRedis(): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), 'duet-redis-'));
  const port = await freePort();
  const flags = ['--save', '', '--appendonly', 'yes', '--appendfsync', 'always'];
  let redis: ChildProcess | undefined;
  const stop = async (signal: 'SIGKILL' | 'SIGTERM') => {
    if (redis) await endOf(redis, signal);
    redis = undefined;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...flags];
      redis = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
      for await (const line of createInterface(redis.stdout!)) if (line.includes('Ready to accept')) break;
      redis.stdout!.resume();
    },
    stop,
    freeze: isFrozen => void redis?.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    async remove() {
      await stop('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

/** One of the scripts beside this file, once it is ready. */
export async function startProcess(
  script: 'redis-worker-process.ts' | 'redis-front-process.ts',
  ...args: readonly string[]
): Promise<ChildProcess> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(createInterface(child.stdout!), 'line');
  child.stdout!.resume();
  return child;
}

/** Sends the signal and gives the exit code: null for a process that the signal ended. */
export async function endOf(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = (await exited) as [number | null];
  return code;
}
