/** The server with the embedded model: a job from its request to a picture that tells how it was made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readParameters } from '../src/image/index.ts';
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

/** Asks for a job and follows it to its end: the data of its last event. */
async function run(body: object): Promise<{ type: string; result: { samples: Sample[] } }> {
  const headers = { 'content-type': 'application/json' };
  const accepted = await fetch(`${server.url}/v1/jobs`, { method: 'POST', headers, body: JSON.stringify(body) });
  const { urls } = (await accepted.json()) as { urls: { events: string } };
  const events = await (await fetch(server.url + urls.events)).text();
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
  expect(readParameters(png)?.parameters).toMatchObject({ prompt: 'an apple', seed: 1, steps: 4, model: 'emoji' });
  const image = Buffer.from(png).toString('base64');
  const described = await run({ mode: 'i2t', image, seed: 3, steps: 4 });
  expect(described.result.samples[0]!.caption).toEqual(expect.any(String));
});
