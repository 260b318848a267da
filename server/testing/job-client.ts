/** A client of native jobs that nothing stops, and that keeps account of all that it was told. */
import { setTimeout } from 'node:timers/promises';
import { decodeImage } from '../../src/image/index.ts';
import { fakeCaption } from './fake-model.ts';

interface WireJob {
  readonly status: string;
  readonly error: object | null;
  readonly result: { readonly samples: readonly { seed: number; caption: string; url: string }[] } | null;
}

interface Told {
  readonly id: number;
  readonly type: string;
}

const pauseMs = 100;
const over = new Set(['completed', 'failed', 'cancelled']);
const typeOfStatus: Readonly<Record<string, string>> = {
  succeeded: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

export class JobClient {
  readonly #url: string;
  /** Ids of jobs that the server took. */
  readonly accepted: string[] = [];
  /** Answers 503 and 429 that said when to come again. */
  refused = 0;
  readonly #endings = new Map<string, string[]>();
  readonly #also: Promise<void>[] = [];
  #seed = 0;

  constructor(url: string) {
    this.#url = url;
  }

  get completed(): number {
    return [...this.#endings.values()].filter(types => types.includes('completed')).length;
  }

  /** How each job ended, as often as it was told. */
  endings(): Record<string, string[]> {
    return Object.fromEntries(this.#endings);
  }

  /** Asks for `count` jobs and waits until each is taken or refused; they are looked after in `settled`. */
  async askAlso(count: number): Promise<void> {
    const before = this.accepted.length + this.refused;
    for (let index = 0; index < count; index++) this.#also.push(this.doJob({ follows: true }));
    while (this.accepted.length + this.refused < before + count) await setTimeout(pauseMs);
  }

  /** Resolves when the jobs of `askAlso` are over. */
  async settled(): Promise<void> {
    await Promise.all(this.#also);
  }

  /** One job from the question to its result; throws at whatever a client must not see. */
  async doJob({ follows }: { follows: boolean }): Promise<void> {
    const seed = this.#seed++;
    const id = await this.#ask(seed);
    this.accepted.push(id);
    this.#endings.set(id, []);
    await (follows ? this.#follow(id) : this.#poll(id));
    await this.#checkResult(id, seed);
  }

  async #ask(seed: number): Promise<string> {
    const body = JSON.stringify({ mode: 'joint', seed, steps: 8, preview_every: 3 });
    const headers = { 'content-type': 'application/json', 'idempotency-key': `job ${seed}` };
    for (;;) {
      const answer = await this.#fetch('/v1/jobs', { method: 'POST', body, headers });
      const text = await answer.text().catch(() => '');
      if (answer.status === 202 && text) return (JSON.parse(text) as { id: string }).id;
      const isClear = [429, 503].includes(answer.status) && answer.headers.has('retry-after');
      if (answer.status !== 202 && !isClear) throw new Error(`a job was answered ${answer.status} ${text}`);
      this.refused++;
      await setTimeout(pauseMs);
    }
  }

  async #poll(id: string): Promise<void> {
    for (;;) {
      const { status } = await this.#job(id);
      const type = typeOfStatus[status];
      if (type) return void this.#endings.get(id)!.push(type);
      await setTimeout(pauseMs);
    }
  }

  /** Comes back with the last id it saw whenever the connection ends, and once more after the end. */
  async #follow(id: string): Promise<void> {
    let last = 0;
    let isOver = false;
    let captions = 0;
    for (;;) {
      const headers = { accept: 'text/event-stream', 'last-event-id': String(last) };
      const answer = await this.#fetch(`/v1/jobs/${id}/events`, { headers });
      if (answer.status !== 200) throw new Error(`the events of ${id} were answered ${answer.status}`);
      for await (const event of eventsOf(answer)) {
        if (event.id <= last) throw new Error(`event ${event.id} of ${id} came after ${last}`);
        last = event.id;
        if (event.type === 'text') captions++;
        if (over.has(event.type)) this.#endings.get(id)!.push(event.type);
      }
      if (captions > 1) throw new Error(`the caption of ${id} was told ${captions} times`);
      if (isOver) return;
      isOver = this.#endings.get(id)!.length > 0;
      if (!isOver) await setTimeout(pauseMs);
    }
  }

  async #checkResult(id: string, seed: number): Promise<void> {
    const { status, result, error } = await this.#job(id);
    const [sample, ...others] = result?.samples ?? [];
    if (status !== 'succeeded' || !sample) throw new Error(`${id} is ${status}: ${JSON.stringify(error)}`);
    if (others.length > 0 || sample.seed !== seed || sample.caption !== fakeCaption(seed)) {
      throw new Error(`${id} of seed ${seed} has another's result: ${JSON.stringify(sample)}`);
    }
    const file = await this.#fetch(sample.url);
    const { data } = await decodeImage(new Uint8Array(await file.arrayBuffer()));
    if (data[0] !== seed % 256) throw new Error(`${id} of seed ${seed} has another's picture`);
  }

  async #job(id: string): Promise<WireJob> {
    for (;;) {
      const answer = await this.#fetch(`/v1/jobs/${id}`);
      if (answer.status !== 200) throw new Error(`${id} was answered ${answer.status} ${await answer.text()}`);
      const job = (await answer.json().catch(() => undefined)) as WireJob | undefined;
      if (job) return job;
    }
  }

  /** Until somebody answers: the server itself may be away. */
  async #fetch(path: string, options: RequestInit = {}): Promise<Response> {
    for (;;) {
      try {
        return await fetch(this.#url + path, options);
      } catch {
        await setTimeout(pauseMs);
      }
    }
  }
}

/** Whole events until the stream ends, or breaks. */
async function* eventsOf({ body }: Response): AsyncGenerator<Told> {
  let text = '';
  const decoder = new TextDecoder();
  const chunks = body![Symbol.asyncIterator]();
  for (;;) {
    const chunk = await chunks.next().catch(() => ({ done: true, value: undefined }));
    if (chunk.done) return;
    text += decoder.decode(chunk.value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const id = /^id: ?(\d+)$/m.exec(block)?.[1];
      const type = /^event: ?(\w+)$/m.exec(block)?.[1];
      if (id && type) yield { id: Number(id), type };
    }
  }
}
