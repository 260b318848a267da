/**
 * `npm run bench -- soak [--minutes 60] [--pause 2000] [--burst 6] [--model emoji]`: people use a server all day; does it grow? The real
 * `duet serve` runs as a process of its own with a data folder, and is asked for everything it serves, a little at a time
 * and now and then much at once. Every minute the memory, threads and handles of the server are printed, and memory and
 * threads of each of its child processes, such as the one of the inference runtime. Exit code 1 if the server grew.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PutOff, visits } from './soak-visits.ts';

/** Growth of the resident memory, from the second fifth of the run to the last, that counts as none. */
const allowedGrowth = 0.05;
const sampleMs = 60_000;
/** Every so many visits come `--burst` at once. */
const burstEvery = 25;
const metrics = {
  heapMiB: 'nodejs_heap_size_used_bytes',
  externalMiB: 'nodejs_external_memory_bytes',
  handles: 'nodejs_active_handles_total',
} as const;

interface ProcessSize {
  readonly name: string;
  readonly rssMiB: number;
  readonly threads: number;
}

interface Sample extends ProcessSize {
  readonly minute: number;
  readonly heapMiB: number;
  readonly externalMiB: number;
  readonly handles: number;
  readonly children: readonly ProcessSize[];
}

export async function run(): Promise<void> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const options = { minutes: text('60'), pause: text('2000'), burst: text('6'), model: text('emoji') };
  const { values } = parseArgs({ args: process.argv.slice(3), options });
  const data = await mkdtemp(join(tmpdir(), 'duet-soak-'));
  const server = startServer(values.model, data);
  try {
    const origin = await originOf(server);
    for (const visit of visits) await visit(origin, 0); // graphs are recorded and caches warm
    const samples: Sample[] = [];
    const sampling = sampleEveryMinute(origin, server.pid!, samples);
    const failures = await visitFor(
      origin,
      Number(values.minutes) * 60_000,
      Number(values.pause),
      Number(values.burst),
    );
    sampling.stop();
    report(samples, failures);
  } finally {
    server.kill('SIGTERM');
    if (server.exitCode === null) await new Promise(resolve => server.once('exit', resolve));
    await rm(data, { recursive: true });
  }
}

function startServer(model: string, data: string): ChildProcess {
  const main = fileURLToPath(new URL('../bin/duet.ts', import.meta.url));
  const flags = ['serve', '--port', '0', '--model', model, '--data', data, '--log-level', 'warn', '--max-jobs', '200'];
  return spawn(process.execPath, [...process.execArgv, main, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function originOf({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface(stdout!)) {
    const [origin] = /http:\/\/[^\s/]+/.exec(line) ?? [];
    if (origin !== undefined) {
      stdout!.resume();
      return origin;
    }
  }
  throw new Error('The server ended before it listened');
}

/** Each visit once in turn, one every `pauseMs` and sometimes several at once. @returns what went wrong, by message */
async function visitFor(
  origin: string,
  milliseconds: number,
  pauseMs: number,
  burst: number,
): Promise<Map<string, number>> {
  const failures = new Map<string, number>();
  const count = (error: unknown) => {
    if (!(error instanceof PutOff)) failures.set(String(error), (failures.get(String(error)) ?? 0) + 1);
  };
  const underWay = new Set<Promise<unknown>>();
  const end = performance.now() + milliseconds;
  for (let seed = 1; performance.now() < end; seed++) {
    const together = seed % burstEvery === 0 ? burst : 1;
    for (let index = 0; index < together; index++) {
      const visit = visits[(seed + index) % visits.length]!;
      const done = visit(origin, seed).catch(count);
      underWay.add(done);
      void done.finally(() => underWay.delete(done));
    }
    await sleep(pauseMs);
  }
  await Promise.all(underWay);
  return failures;
}

function sampleEveryMinute(origin: string, pid: number, samples: Sample[]): { stop(): void } {
  console.log('minute | RSS MiB | heap | external | threads | handles | children: RSS MiB, threads');
  const take = async () => {
    const sample = await sampleOf(origin, pid, samples.length);
    samples.push(sample);
    const { minute, rssMiB, heapMiB, externalMiB, threads, handles, children } = sample;
    const own = [minute, rssMiB, heapMiB, externalMiB, threads, handles].map(value => value.toFixed(0));
    const others = children.map(child => `${child.name}: ${child.rssMiB.toFixed(0)}, ${child.threads}`);
    console.log([...own, others.join('; ')].join(' | '));
  };
  void take();
  const timer = setInterval(() => void take(), sampleMs);
  return { stop: () => clearInterval(timer) };
}

async function sampleOf(origin: string, pid: number, minute: number): Promise<Sample> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  const children = await Promise.all((await childrenOf(pid)).map(sizeOf));
  return {
    ...(await sizeOf(pid)),
    minute,
    heapMiB: read(metrics.heapMiB) / 2 ** 20,
    externalMiB: read(metrics.externalMiB) / 2 ** 20,
    handles: read(metrics.handles),
    children: children.filter(({ rssMiB }) => rssMiB > 0),
  };
}

/** Of Linux's proc(5); a process that is gone has no size. */
async function sizeOf(pid: number): Promise<ProcessSize> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const read = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1] ?? '0';
  return { name: read('Name'), rssMiB: Number(read('VmRSS')) / 1024, threads: Number(read('Threads')) };
}

async function childrenOf(pid: number): Promise<number[]> {
  const ids = (await readdir('/proc')).map(Number).filter(id => id > 0);
  const parents = await Promise.all(
    ids.map(async id => /^PPid:\s+(\d+)$/m.exec(await readFile(`/proc/${id}/status`, 'utf8').catch(() => ''))?.[1]),
  );
  return ids.filter((_, index) => Number(parents[index]) === pid);
}

function report(samples: readonly Sample[], failures: ReadonlyMap<string, number>): void {
  for (const [message, count] of failures) console.log(`${count} times: ${message}`);
  const early = medianRss(samples, 0.2, 0.4);
  const late = medianRss(samples, 0.8, 1);
  const growth = late / early - 1;
  const verdict = growth <= allowedGrowth ? 'does not grow' : 'GROWS';
  console.log(
    `server: ${early.toFixed(0)} MiB in the second fifth, ${late.toFixed(0)} MiB in the last (${(100 * growth).toFixed(1)} %): ${verdict}`,
  );
  if (!(growth <= allowedGrowth) || failures.size > 0) process.exitCode = 1;
}

function medianRss(samples: readonly Sample[], from: number, to: number): number {
  const part = samples.slice(Math.floor(from * samples.length), Math.ceil(to * samples.length));
  return part.map(({ rssMiB }) => rssMiB).sort((a, b) => a - b)[Math.floor(part.length / 2)] ?? Number.NaN;
}
