/**
 * `npm run bench -- load [--seconds 60] [--connections 48] [--rate 40]`: mixed requests of all three families, more than the
 * queue takes, against the server in a process of its own with the embedded model. What must hold: 429 with retry-after
 * where the queue is full, no 5xx, an event loop that is never away for long, and memory that stays.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import autocannon, { type Request } from 'autocannon';
import sharp from 'sharp';

/** What the server's process tells, see load-server.ts. */
export interface ServerSample {
  readonly rssMiB: number;
  /** Milliseconds between two turns of the event loop that were meant to be 10 apart, since the start. */
  readonly delayP99: number;
  readonly delayMax: number;
}

/** Answers by what was asked for and status. */
interface Counts {
  readonly answers: Map<string, Map<number, number>>;
  refusedWithoutRetryAfter: number;
}

export async function run(): Promise<void> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const options = { seconds: text('60'), connections: text('48'), rate: text('40') };
  const { values } = parseArgs({ args: process.argv.slice(3), options });
  const server = fork(new URL('./load-server.ts', import.meta.url), { execArgv: process.execArgv });
  try {
    const [{ origin }] = (await once(server, 'message')) as [{ origin: string }];
    const requests = await mixedRequests();
    for (const { method = 'GET', path, headers, body } of requests) {
      await (await fetch(origin + path, { method, ...(body && { headers, body }) } as RequestInit)).arrayBuffer();
    }
    const samples: ServerSample[] = [];
    server.on('message', sample => samples.push(sample as ServerSample));
    const counts: Counts = { answers: new Map(), refusedWithoutRetryAfter: 0 };
    server.send('measure');
    const result = await autocannon({
      url: origin,
      duration: Number(values.seconds),
      connections: Number(values.connections),
      overallRate: Number(values.rate),
      timeout: 120,
      requests: requests.map(request => ({ ...request, onResponse: counter(counts, request.path!) })),
    });
    report(result, counts, samples);
  } finally {
    server.send('stop');
    await once(server, 'exit');
  }
}

async function mixedRequests(): Promise<Request[]> {
  const red = sharp({ create: { width: 256, height: 256, channels: 3, background: 'red' } });
  const url = `data:image/png;base64,${(await red.png().toBuffer()).toString('base64')}`;
  const content = [{ type: 'image_url', image_url: { url } }];
  const drawing = { prompt: 'an apple', steps: 10 };
  const bodies: [string, object][] = [
    ['/v1/images/generations', { ...drawing, size: '256x256' }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content }], steps: 10 }],
    ['/v1/images/generations', { ...drawing, stream: true, partial_images: 2 }],
    ['/sdapi/v1/txt2img', { ...drawing, width: 256, height: 256 }],
    ['/v1/jobs', { mode: 'joint', steps: 10 }],
    ['/v1/images/generations', { prompt: 'an apple', n: 99 }],
  ];
  const posts = bodies.map(([path, body]): Request => {
    const headers = { 'content-type': 'application/json' };
    return { method: 'POST', path, headers, body: JSON.stringify(body) };
  });
  const gets = ['/v1/models', '/sdapi/v1/progress'].map((path): Request => ({ method: 'GET', path }));
  return [...posts, ...gets];
}

function counter(counts: Counts, path: string): NonNullable<Exclude<Request['onResponse'], string>> {
  return (status, _body, _context, headers) => {
    const ofPath = counts.answers.get(path) ?? new Map<number, number>();
    counts.answers.set(path, ofPath.set(status, (ofPath.get(status) ?? 0) + 1));
    const names = Object.keys(headers ?? {}).map(name => name.toLowerCase());
    if (status === 429 && !names.includes('retry-after')) counts.refusedWithoutRetryAfter++;
  };
}

function report(result: autocannon.Result, counts: Counts, samples: readonly ServerSample[]): void {
  for (const [path, statuses] of counts.answers) {
    const parts = [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`);
    console.log(`${path.padEnd(26)} ${parts.join(', ')}`);
  }
  const failures = [...counts.answers.values()].flatMap(statuses => [...statuses]).filter(([status]) => status >= 500);
  const last = samples.at(-1);
  // The first fifth fills caches and the queue.
  const steady = samples.slice(Math.floor(samples.length / 5)).map(({ rssMiB }) => rssMiB);
  console.log(`answers           ${result.requests.total} in ${result.duration} s, median ${result.latency.p50} ms`);
  console.log(`lost connections  ${result.errors} (${result.timeouts} of them timeouts)`);
  console.log(`5xx               ${failures.reduce((sum, [, count]) => sum + count, 0)}`);
  console.log(`429 without hint  ${counts.refusedWithoutRetryAfter}`);
  console.log(`event loop        p99 ${last?.delayP99.toFixed(1)} ms, longest ${last?.delayMax.toFixed(1)} ms`);
  console.log(`memory            ${steady[0]?.toFixed(0)} MiB, at the end ${steady.at(-1)?.toFixed(0)} MiB`);
}
