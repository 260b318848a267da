/** What people and programs ask of a server, each family of routes, the page, mistakes and clients that go away. */
import sharp from 'sharp';

/** One visit to the server at `origin`; `seed` makes it another one than before. @throws Error at an answer that is wrong */
type Visit = (origin: string, seed: number) => Promise<void>;

/** The server had too much to do and said when to come again, as it should. */
export class PutOff extends Error {}

const words = ['an apple', 'two red hearts', 'a cat to the left of a dog', 'a rocket above a house', 'three stars'];
const promptOf = (seed: number) => words[seed % words.length]!;

export const visits: readonly Visit[] = [
  async (origin, seed) => follow(origin, await submit(origin, { mode: 't2i', prompt: promptOf(seed), seed, n: 2 })),
  async (origin, seed) => follow(origin, await submit(origin, { mode: 'joint', seed, preview_every: 4 })),
  async (origin, seed) => follow(origin, await submit(origin, { mode: 'i2t', image: await dataUrl(seed), seed })),
  async (origin, seed) => follow(origin, await submit(origin, { mode: 'i2t2i', image: await dataUrl(seed), seed })),
  async (origin, seed) => {
    const id = await submit(origin, { mode: 't', seed, n: 4 });
    await follow(origin, id);
    await expectStatus(fetch(`${origin}/v1/jobs/${id}`, { method: 'DELETE' }), 204);
  },
  async (origin, seed) => {
    const id = await submit(origin, { mode: 'gibbs', prompt: promptOf(seed), seed, steps: 10 });
    await expectStatus(fetch(`${origin}/v1/jobs/${id}/cancel`, { method: 'POST' }), 200, 409);
  },
  (origin, seed) => post(origin, '/v1/images/generations', { prompt: promptOf(seed), seed, size: '512x512' }),
  (origin, seed) =>
    post(origin, '/v1/images/generations', { prompt: promptOf(seed), seed, stream: true, partial_images: 2 }),
  async (origin, seed) => {
    const content = [{ type: 'image_url', image_url: { url: await dataUrl(seed) } }];
    await post(origin, '/v1/chat/completions', { messages: [{ role: 'user', content }], stream: seed % 2 === 0 });
  },
  async (origin, seed) => {
    const form = new FormData();
    form.set('prompt', promptOf(seed));
    form.set('image', new File([new Uint8Array(await picture(seed))], 'a.png'));
    form.set('mask', new File([new Uint8Array(await picture(seed + 1))], 'm.png'));
    await expectStatus(fetch(`${origin}/v1/images/edits`, { method: 'POST', body: form }), 200);
  },
  async (origin, seed) => {
    await Promise.all([
      post(origin, '/sdapi/v1/txt2img', { prompt: promptOf(seed), seed, steps: 10 }),
      expectStatus(fetch(`${origin}/sdapi/v1/progress`), 200),
    ]);
  },
  (origin, seed) =>
    post(
      origin,
      '/replicate/v1/models/duet/emoji/predictions',
      { input: { mode: 'joint', seed } },
      { prefer: 'wait=60' },
    ),
  async (origin, seed) => {
    for (const path of ['/', '/docs', '/openapi.json', '/v1/models', '/v1/capabilities', '/v1/jobs?limit=50']) {
      await expectStatus(fetch(origin + path), 200);
    }
    await expectStatus(fetch(`${origin}/nothing/${seed}`), 404);
    await expectStatus(send(origin, '/v1/jobs', { mode: 'draw', seed }), 400);
    await expectStatus(send(origin, '/v1/jobs', { mode: 'i2t', image: 'bm90IGEgcGljdHVyZQ==' }), 400);
  },
  async (origin, seed) => {
    const controller = new AbortController(); // goes away at the first event
    const body = { prompt: promptOf(seed), seed, stream: true, partial_images: 3, n: 4 };
    const answer = await send(origin, '/v1/images/generations', body, {}, controller.signal);
    await answer.body!.getReader().read();
    controller.abort();
  },
];

function send(origin: string, path: string, body: object, headers = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(origin + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

async function post(origin: string, path: string, body: object, headers = {}): Promise<void> {
  await expectStatus(send(origin, path, body, headers), 200, 201, 202);
}

async function submit(origin: string, body: object): Promise<string> {
  const answer = await send(origin, '/v1/jobs', body, { 'idempotency-key': JSON.stringify(body).slice(-200) });
  const text = await readAnswer(answer, 202);
  return (JSON.parse(text) as { id: string }).id;
}

/** To its end, and then its first picture, if it has one. */
async function follow(origin: string, id: string): Promise<void> {
  await expectStatus(fetch(`${origin}/v1/jobs/${id}/events`), 200);
  await expectStatus(fetch(`${origin}/v1/jobs/${id}/files/0.png`), 200, 404);
}

async function expectStatus(answer: Promise<Response>, ...statuses: readonly number[]): Promise<void> {
  await readAnswer(await answer, ...statuses);
}

/** @throws PutOff or Error if its status is none of `statuses` */
async function readAnswer(answer: Response, ...statuses: readonly number[]): Promise<string> {
  const { status, url, headers } = answer;
  const text = await answer.text();
  if (statuses.includes(status)) return text;
  const isPutOff = (status === 429 || status === 503) && headers.has('retry-after');
  const path = new URL(url).pathname.replace(/job_\w+/, 'ID');
  throw new (isPutOff ? PutOff : Error)(`${path} answered ${status} ${text.slice(0, 200)}`);
}

async function dataUrl(seed: number): Promise<string> {
  return `data:image/png;base64,${(await picture(seed)).toString('base64')}`;
}

/** Another size and colour each time, up to 1,000 pixels wide. */
function picture(seed: number): Promise<Buffer> {
  const [width, height] = [64 + ((seed * 37) % 937), 64 + ((seed * 53) % 701)];
  const background = { r: (seed * 7) % 256, g: (seed * 11) % 256, b: (seed * 13) % 256 };
  return sharp({
    create: { width, height, channels: 3, background, noise: { type: 'gaussian', mean: 120, sigma: 20 } },
  })
    .png()
    .toBuffer();
}
