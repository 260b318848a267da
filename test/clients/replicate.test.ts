/** The `replicate` package, unmodified, against the server with a stand-in model. */
import Replicate, { type ApiError, type FileOutput, type Prediction } from 'replicate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeModel, fakeCaption, fakeModel } from '../../server/testing/fake-model.ts';
import { png, type RunningServer, serve } from './serve.ts';

let model: FakeModel;
let server: RunningServer;
let client: Replicate;

beforeAll(async () => {
  model = fakeModel();
  server = await serve(model);
  client = clientOf(server);
});
afterAll(() => server.close());

function clientOf({ origin }: RunningServer, auth = 'any', options: { useFileOutput?: boolean } = {}): Replicate {
  return new Replicate({ baseUrl: `${origin}/replicate/v1`, auth, ...options });
}

async function metadataOf(file: FileOutput) {
  const bytes = await new Response(file as ReadableStream).arrayBuffer();
  return sharp(Buffer.from(bytes)).metadata();
}

/** What the client's error was answered with. */
async function refusalOf(call: Promise<unknown>): Promise<{ name: string; status: number; body: unknown }> {
  const error = (await call.then(
    () => expect.unreachable('was served'),
    thrown => thrown,
  )) as ApiError;
  // The client read the answer into its message: `... failed with status 422 Unprocessable Entity: {...}.`
  const body: unknown = JSON.parse(/: (\{.*\})\.$/s.exec(error.message)?.[1] ?? '{}');
  return { name: error.name, status: error.response.status, body };
}

describe('run', () => {
  it('draws, and gives files', async () => {
    const input = { prompt: 'an apple', num_outputs: 2, num_inference_steps: 3, guidance_scale: 5, seed: 7 };
    const files = (await client.run('duet/fake', { input })) as FileOutput[];
    expect(files).toHaveLength(2);
    for (const file of files) expect(await metadataOf(file)).toMatchObject({ format: 'png', width: 16, height: 16 });
    expect(model.calls.at(-1)).toMatchObject({
      mode: 't2i',
      inputs: ['an apple'],
      options: { n: 2, steps: 3, guidance: 5, seed: 7 },
    });
  });

  it('names a version, knows schedulers and what is to be left out, and tells what is not known here', async () => {
    const input = {
      prompt: 'an apple',
      negative_prompt: 'lowres',
      scheduler: 'DPMSolverMultistep',
      lora: 'x',
      width: null,
    };
    const output = await client.run('duet/fake:fake', { input });
    expect(output).toHaveLength(1);
    expect(model.calls.at(-1)?.options).toMatchObject({ negativePrompt: 'lowres', solver: 'dpm-multistep' });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ version: 'fake', input, webhook_events_filter: [] });
    const answer = await fetch(`${server.origin}/replicate/v1/predictions`, { method: 'POST', headers, body });
    expect(answer.headers.get('x-ignored-fields')).toBe('input.lora, webhook_events_filter');
  });

  it('gives files of the format and size asked for, also later', async () => {
    for (const [asked, metadata] of [
      [{ output_format: 'webp' }, { format: 'webp', width: 16, height: 16 }],
      [
        { output_format: 'jpg', output_quality: 50, width: 64, height: 32 },
        { format: 'jpeg', width: 64, height: 32 },
      ],
      [{ width: 48 }, { format: 'png', width: 48, height: 48 }],
      [
        { height: '32', output_format: 'png' },
        { format: 'png', width: 32, height: 32 },
      ],
    ] as const) {
      const input = { prompt: 'an apple', ...asked };
      const [file] = (await client.run('duet/fake', { input })) as FileOutput[];
      expect(await metadataOf(file!)).toMatchObject(metadata);
      const [latest] = (await client.predictions.list()).results;
      const output_format = metadata.format === 'jpeg' ? 'jpg' : metadata.format;
      expect(latest?.input).toMatchObject({ output_format });
      const found = await client.predictions.get(latest!.id);
      expect(found.output[0].slice(0, 20)).toBe(`data:image/${metadata.format};base64,`.slice(0, 20));
      const listed = await fetch(latest!.output[0]);
      expect(await sharp(Buffer.from(await listed.arrayBuffer())).metadata()).toMatchObject(metadata);
    }
  });

  it('reads the names of other models', async () => {
    const image = `data:image/png;base64,${(await png(16, 'red')).toString('base64')}`;
    const input = { text: 'an apple', num_steps: 3, cfg: 4, num_images: '2', sampler: 'DDIM', random_seed: 5 };
    await client.run('duet/fake', { input });
    const options = { steps: 3, guidance: 4, n: 2, solver: 'ddim', seed: 5 };
    expect(model.calls.at(-1)).toMatchObject({ mode: 't2i', inputs: ['an apple'], options });
    await client.run('duet/fake', { input: { input_image: image, prompt: 'an apple', denoising_strength: 0.4 } });
    expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', options: { strength: 0.4, caption: 'an apple' } });
    const two = client.predictions.create({ version: 'fake', input: { images: [image, image] } });
    expect(await refusalOf(two)).toMatchObject({ status: 422, body: { detail: expect.stringContaining('got 2') } });
  });

  it('names the scheduler that runs where there is none of the name', async () => {
    const { predictions } = client;
    for (const [scheduler, solver] of [
      ['K_EULER_ANCESTRAL', 'euler-ancestral'],
      ['PNDM', 'pndm'],
      ['DPM2', 'heun'],
    ]) {
      const made = await predictions.create({ version: 'fake', input: { prompt: 'an apple', scheduler }, wait: true });
      expect(made).toMatchObject({ status: 'succeeded', input: { solver } });
    }
  });

  it('describes a Buffer, which is uploaded first', async () => {
    const output = await client.run('duet/fake', { input: { image: await png(16, 'red'), seed: 5 } });
    expect(output).toEqual([fakeCaption(5)]);
    expect(model.calls.at(-1)?.mode).toBe('i2t');
  });

  it('tells, also in its logs, that it only guesses what an unfamiliar picture shows', async () => {
    const far = await serve(fakeModel({ seen: { familiarity: 4.5, isFamiliar: false } }));
    const seen: Prediction[] = [];
    const input = { image: await png(16, 'red') };
    await clientOf(far).run('duet/fake', { input }, prediction => void seen.push(prediction));
    expect(seen.at(-1)).toMatchObject({ familiarity: 4.5, is_familiar: false });
    expect(seen.at(-1)?.logs).toMatch(/\nWarning: the picture looks unlike what the model knows/);
    await far.close();
  });

  it('describes a Blob, and a picture sent as data URL', async () => {
    const bytes = await png(16, 'red');
    const blob = new Blob([new Uint8Array(bytes)], { type: 'image/png' });
    expect(await client.run('duet/fake', { input: { image: blob, mode: 'i2t', seed: 6 } })).toEqual([fakeCaption(6)]);
    // Not by `fileEncodingStrategy: 'data-uri'`: 1.4.0 then sends its own settings in place of the input.
    const image = `data:image/png;base64,${bytes.toString('base64')}`;
    expect(await client.run('duet/fake', { input: { image, seed: 8 } })).toEqual([fakeCaption(8)]);
  });

  it('varies a picture with a prompt, and paints where the mask is white', async () => {
    const image = await png(16, 'red');
    const varied = (await client.run('duet/fake', {
      input: { image, prompt: 'an apple', prompt_strength: 0.4 },
    })) as FileOutput[];
    expect(await metadataOf(varied[0]!)).toMatchObject({ format: 'png' });
    expect(model.calls.at(-1)).toMatchObject({ mode: 'i2t2i', options: { strength: 0.4, caption: 'an apple' } });
    await client.run('duet/fake', { input: { image, mask: await png(16, 'white'), prompt: 'an apple' } });
    expect(model.calls.at(-1)?.mode).toBe('inpaint');
  });

  it('imagines pairs, whose pictures are files too', async () => {
    const output = await client.run('duet/fake', { input: { mode: 'joint', seed: 5 } });
    const [pair] = output as { image: FileOutput; text: string; seed: number }[];
    expect(pair).toMatchObject({ text: fakeCaption(5), seed: 5 });
    expect(await metadataOf(pair!.image)).toMatchObject({ format: 'png' });
  });

  it('asks again until a long prediction is over, and tells its progress', async () => {
    const slow = fakeModel({ pace: 'stepwise' });
    const busy = await serve(slow);
    const seen: Prediction[] = [];
    const running = clientOf(busy).run(
      'duet/fake',
      { input: { prompt: 'an apple', steps: 20 }, wait: { mode: 'block', timeout: 1 } },
      prediction => {
        seen.push(prediction);
        if (seen.length === 1) slow.advance(9);
        if (prediction.logs?.includes(' 9/20 ')) slow.advance();
      },
    );
    expect(await running).toHaveLength(1);
    expect(seen[0]?.status).toBe('starting');
    const logs = seen.map(prediction => prediction.logs ?? '').find(text => text.includes(' 9/20 '));
    expect(logs).toMatch(/^Using seed: \d+\n {1}45%\|####5 {5}\| 9\/20 \[/);
    expect(seen.at(-1)?.logs).toMatch(/\n100%\|#{10}\| 20\/20 \[/);
    await busy.close();
  });

  it('throws what a failed prediction says', async () => {
    const broken = await serve(fakeModel({ failure: new Error('inside') }));
    const failing = clientOf(broken).run('duet/fake', { input: { prompt: 'an apple' } });
    await expect(failing).rejects.toThrow(/^Prediction failed: The server failed at this job/);
    await broken.close();
  });

  it('gives addresses where no files are wanted', async () => {
    const plain = clientOf(server, 'any', { useFileOutput: false });
    const [url] = (await plain.run('duet/fake', { input: { prompt: 'an apple' } })) as string[];
    expect(url).toMatch(/^data:image\/png;base64,/);
  });
});

describe('predictions', () => {
  it('are created, waited for and looked at', async () => {
    const created = await client.predictions.create({ model: 'duet/fake', input: { prompt: 'an apple', seed: 3 } });
    expect(created).toMatchObject({ model: 'duet/fake', version: 'fake', input: { prompt: 'an apple', seed: 3 } });
    expect(created.urls.get).toBe(`${server.origin}/replicate/v1/predictions/${created.id}`);
    const done = await client.wait(created, { interval: 20 });
    expect(done).toMatchObject({ id: created.id, status: 'succeeded', error: null, source: 'api' });
    expect(done.metrics?.predict_time).toBeGreaterThanOrEqual(0);
    expect(Date.parse(done.completed_at ?? '')).toBeGreaterThanOrEqual(Date.parse(done.started_at ?? ''));
    const { samples } = done as unknown as { samples: { url: string; seed: number }[] };
    expect(samples[0]).toMatchObject({ seed: 3, width: 16 });
    const file = await fetch(samples[0]!.url);
    expect(file.headers.get('content-type')).toBe('image/png');
  });

  it('are answered when they are over, to those who wait', async () => {
    const version = 'duet/fake:fake';
    const prediction = await client.predictions.create({ version, input: { prompt: 'an apple' }, wait: true });
    expect(prediction.status).toBe('succeeded');
    expect(prediction.output).toHaveLength(1);
  });

  it('are cancelled, once', async () => {
    const slow = fakeModel({ pace: 'stepwise' });
    const busy = await serve(slow);
    const patient = clientOf(busy);
    const { id, status } = await patient.predictions.create({ model: 'duet/fake', input: { prompt: 'an apple' } });
    expect(status).toBe('starting');
    while (slow.calls.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
    expect((await patient.predictions.get(id)).status).toBe('processing');
    expect(await patient.predictions.cancel(id)).toMatchObject({ id, status: 'canceled', output: null });
    expect(slow.calls[0]?.options.signal?.aborted).toBe(true);
    expect((await patient.predictions.cancel(id)).status).toBe('canceled');
    await busy.close();
  });

  it('are cancelled when a client that waits goes away', async () => {
    const slow = fakeModel({ pace: 'stepwise' });
    const busy = await serve(slow);
    const controller = new AbortController();
    const waiting = fetch(`${busy.origin}/replicate/v1/predictions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'respond-async, wait=30' },
      body: JSON.stringify({ version: 'fake', input: { prompt: 'an apple' } }),
      signal: controller.signal,
    });
    while (slow.calls.length === 0) await new Promise(resolve => setTimeout(resolve, 5));
    controller.abort();
    await expect(waiting).rejects.toThrow();
    while (!slow.calls[0]?.options.signal?.aborted) await new Promise(resolve => setTimeout(resolve, 5));
    const { results } = await clientOf(busy).predictions.list();
    expect(results).toMatchObject([{ status: 'canceled' }]);
    await busy.close();
  });

  it('are listed page by page, the newest first', async () => {
    const full = await serve(fakeModel());
    const many = clientOf(full);
    for (let seed = 0; seed < 101; seed++) {
      await many.predictions.create({ version: 'fake', input: { mode: 't', seed }, wait: true });
    }
    const pages: Prediction[][] = [];
    for await (const page of many.paginate(many.predictions.list)) pages.push(page);
    expect(pages.map(page => page.length)).toEqual([100, 1]);
    expect(pages.flat().map(({ output }) => output)).toEqual(
      Array.from({ length: 101 }, (_, index) => [fakeCaption(100 - index)]),
    );
    await full.close();
  });

  it('of pictures are listed by address', async () => {
    await client.predictions.create({ version: 'fake', input: { prompt: 'an apple' }, wait: true });
    const { results } = await client.predictions.list();
    expect(results[0]?.output[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\/jobs\/job_\w+\/files\//);
  });
});

describe('models', () => {
  it('tell their inputs', async () => {
    const found = await client.models.get('duet', 'fake');
    expect(found).toMatchObject({ owner: 'duet', name: 'fake', latest_version: { id: 'fake' } });
    const { openapi_schema: schema } = found.latest_version ?? {};
    const { Input } = (schema as { components: { schemas: { Input: { properties: object } } } }).components.schemas;
    expect(Object.keys(Input.properties)).toEqual(expect.arrayContaining(['prompt', 'num_outputs', 'mode']));
    expect((await client.models.list()).results).toEqual([found]);
  });

  it('have one version', async () => {
    const { latest_version } = await client.models.get('duet', 'fake');
    // The client's types say a list, the API answers a page.
    const versions: unknown = await client.models.versions.list('duet', 'fake');
    expect(versions).toMatchObject({ next: null, results: [latest_version] });
    expect(await client.models.versions.get('duet', 'fake', 'fake')).toEqual(latest_version);
    expect(await refusalOf(client.models.versions.get('duet', 'fake', 'other'))).toMatchObject({ status: 404 });
  });

  it('with an owner in their name are found by it', async () => {
    const owned = await serve(fakeModel({ id: 'somebody/else' }));
    const found = await clientOf(owned).models.get('somebody', 'else');
    expect(found).toMatchObject({ owner: 'somebody', name: 'else' });
    expect(await clientOf(owned).run('somebody/else', { input: { mode: 't', seed: 1 } })).toEqual([fakeCaption(1)]);
    await owned.close();
  });
});

describe('errors', () => {
  const input = { prompt: 'an apple' };

  it('404 for predictions, models and pages that there are not', async () => {
    const detail = expect.any(String);
    const missing = { name: 'ApiError', status: 404, body: { title: 'Not Found', detail, status: 404 } };
    expect(await refusalOf(client.predictions.get('job_none'))).toEqual(missing);
    expect(await refusalOf(client.predictions.cancel('job_none'))).toEqual(missing);
    expect(await refusalOf(client.models.get('other', 'model'))).toEqual(missing);
    expect(await refusalOf(client.run('other/model', { input }))).toEqual(missing);
    expect(await refusalOf(client.hardware.list())).toEqual(missing);
  });

  it.each([
    [{ prompt: 'an apple', steps: 'many' }, 'input.steps'],
    [{ prompt: 'an apple', num_outputs: 0 }, 'input.num_outputs'],
    [{ prompt: 'an apple', mode: 'dream' }, 'input.mode'],
    [{ prompt: 'an apple', scheduler: 'magic' }, 'input.scheduler'],
    [{ prompt: 'an apple', width: 8 }, 'input.width'],
    [{ prompt: 'an apple', output_format: 'bmp' }, 'input.output_format'],
    [{ image: 7 }, 'input.image'],
    [[], 'input'],
  ])('422 for %j', async (wrong, field) => {
    const call = client.predictions.create({ version: 'fake', input: wrong });
    const { status, body } = await refusalOf(call);
    expect(status).toBe(422);
    expect(body).toEqual({
      title: 'Input validation failed',
      detail: expect.any(String),
      status: 422,
      invalid_fields: [{ type: expect.any(String), field, description: expect.any(String) }],
    });
  });

  it('422 for a missing prompt, a broken picture, a version that is not served and a webhook', async () => {
    const create = (options: object) => client.predictions.create({ version: 'fake', input, ...options });
    const noPicture = 'data:image/png;base64,AAAA';
    const refused = [
      () => create({ input: {} }),
      () => create({ input: { image: noPicture } }),
      () => create({ version: '5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa' }),
      () => create({ webhook: 'https://example.org/hook' }),
      () => client.files.create(Buffer.from('no picture')),
    ];
    for (const call of refused) expect(await refusalOf(call())).toMatchObject({ status: 422, body: { status: 422 } });
  });

  it('401 without the key, and files with it alone', async () => {
    const locked = await serve(fakeModel(), { apiKeys: ['secret', 'other'] });
    const refused = await refusalOf(clientOf(locked, 'wrong').run('duet/fake', { input }));
    expect(refused).toMatchObject({ status: 401, body: { title: 'Unauthenticated', status: 401 } });
    const files = (await clientOf(locked, 'secret').run('duet/fake', { input })) as FileOutput[];
    expect(await metadataOf(files[0]!)).toMatchObject({ format: 'png' });
    const { results } = await clientOf(locked, 'secret').predictions.list();
    const url = results[0]?.output[0] as string;
    expect((await fetch(url)).status).toBe(401);
    expect((await fetch(url, { headers: { authorization: 'Bearer other' } })).status).toBe(404);
    expect((await fetch(url, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
    const others = clientOf(locked, 'other');
    expect((await others.predictions.list()).results).toEqual([]);
    expect(await refusalOf(others.predictions.get(results[0]!.id))).toMatchObject({ status: 404 });
    expect(await refusalOf(others.predictions.cancel(results[0]!.id))).toMatchObject({ status: 404 });
    await locked.close();
  });

  it('413 for what is too large', async () => {
    const small = await serve(fakeModel(), { maxBodyBytes: 2000 });
    const call = clientOf(small).run('duet/fake', { input: { prompt: 'x'.repeat(5000) } });
    expect(await refusalOf(call)).toMatchObject({ status: 413, body: { status: 413, detail: expect.any(String) } });
    await small.close();
  });

  it('429 for too many requests a minute and for a full queue, 503 when the server stops', async () => {
    const strict = await serve(fakeModel(), { rateLimit: 1 });
    await clientOf(strict).models.list();
    const limited = await refusalOf(clientOf(strict).models.list());
    expect(limited).toMatchObject({ status: 429, body: { title: 'Too Many Requests', status: 429 } });
    await strict.close();

    const slow = fakeModel({ pace: 'stepwise' });
    const busy = await serve(slow, { maxRunning: 1, maxQueue: 0 });
    await clientOf(busy).predictions.create({ version: 'fake', input });
    const full = await refusalOf(clientOf(busy).predictions.create({ version: 'fake', input }));
    expect(full).toMatchObject({ status: 429, body: { detail: expect.stringContaining('waiting') } });
    await busy.close();

    const ending = await serve(fakeModel());
    await ending.app.drain(0);
    const refused = await refusalOf(clientOf(ending).predictions.create({ version: 'fake', input }));
    expect(refused).toMatchObject({ status: 503, body: { title: 'Service Unavailable', status: 503 } });
    await ending.close();
  });
});
