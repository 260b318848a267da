/** The server with the embedded model: a job from its request to a picture that tells how it was made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeImage, readParameters } from '../src/image/index.ts';
import { inference } from '../src/pipelines/index.ts';
import { serverConfig } from './config.ts';
import { loadModel } from './load-model.ts';
import { type RunningServer, startServer } from './serve.ts';

let folder: string;
let server: RunningServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-real-'));
  const config = serverConfig({ port: 0, data: folder, maxEventLoopDelay: 0 });
  server = await startServer({ config, load: loadModel, logs: { write: () => {} } });
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

interface Sample {
  readonly seed: number;
  readonly url: string;
  readonly caption: string;
}

interface LastEvent {
  readonly type: string;
  readonly result: { readonly samples: readonly Sample[] };
}

/** Asks for a job and follows it to its end: the data of its last event. `onProgress` is called at its first progress. */
async function run(body: object, onProgress: () => void = () => {}): Promise<LastEvent> {
  const headers = { 'content-type': 'application/json' };
  const accepted = await fetch(`${server.url}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { urls } = (await accepted.json()) as { urls: { events: string } };
  const { body: stream } = await fetch(server.url + urls.events);
  let events = '';
  for await (const chunk of stream!.pipeThrough(new TextDecoderStream())) {
    const isFirst = !events.includes('"progress"');
    events += chunk;
    if (isFirst && events.includes('"progress"')) onProgress();
  }
  return JSON.parse(
    events
      .match(/^data: (.*)$/gm)!
      .at(-1)!
      .slice('data: '.length),
  );
}

it('draws, describes and imagines at the same time', async () => {
  const drawing = run({ mode: 't2i', prompt: 'an apple', seed: 1, steps: 4, n: 2 });
  const [drawn, imagined] = await Promise.all([drawing, run({ mode: 'joint', seed: 2, steps: 4 })]);
  expect(drawn).toMatchObject({ type: 'completed', result: { samples: [{ seed: 1 }, { seed: 2 }] } });
  expect(imagined.result.samples[0]).toMatchObject({ caption: expect.any(String), url: expect.any(String) });
  const png = new Uint8Array(await (await fetch(server.url + drawn.result.samples[0]!.url)).arrayBuffer());
  expect(readParameters(png)?.parameters).toMatchObject({ prompt: 'an apple', seed: 1, steps: 4, model: 'emoji-chat' });
  const image = Buffer.from(png).toString('base64');
  const described = await run({ mode: 'i2t', image, seed: 3, steps: 4 });
  expect(described.result.samples[0]!.caption).toEqual(expect.any(String));
});

it('converses', async () => {
  const messages = [{ role: 'user', content: 'Can you show me two foxes?' }];
  const answered = await run({ mode: 'chat', messages, seed: 1, steps: 4 });
  expect(answered.result).toMatchObject({
    answer: { content: [{ type: 'text' }, { type: 'image', index: 0 }] },
    samples: [{ seed: 1, url: expect.any(String) }],
  });
});

it('computes jobs again whose inference process was killed, tells of it, and is ready again', async () => {
  const deathsSoFar = inference.status().deaths;
  const drawing = { mode: 't2i', prompt: 'an apple', seed: 1, steps: 40 };
  const [undisturbed] = (await run(drawing)).result.samples;
  let killed = 0;
  const stop = inference.onDeath(() => {
    killed++;
    // Whoever asks between the death and the next process is told so.
    if (killed === 1) ready = fetch(`${server.url}/health/ready`).then(response => response.status);
  });
  let ready: Promise<number> | undefined;
  const kill = () => process.kill(inference.status().pid!, 'SIGKILL');
  const [disturbed, beside] = await Promise.all([run(drawing, kill), run({ ...drawing, mode: 'joint' })]);
  stop();
  expect([disturbed.type, beside.type]).toEqual(['completed', 'completed']);
  const pixels = async (sample: Sample) => Buffer.from(await (await fetch(server.url + sample.url)).arrayBuffer());
  const [first, again] = await Promise.all([undisturbed!, disturbed.result.samples[0]!].map(pixels));
  expect(await decodeImage(again!)).toEqual(await decodeImage(first!));
  expect(await ready).toBe(503);
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain(`inference_process_deaths_total ${deathsSoFar + 1}\n`);
  expect(Number(/^inference_process_resident_bytes (\S+)$/m.exec(metrics)?.[1])).toBeGreaterThan(2 ** 20);
});
