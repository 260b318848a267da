/** Answers of dialogues as they come about, as Replicate's clients read them: words and pictures in their order. */
import type { FastifyInstance } from 'fastify';
import { DuetError } from '../../../src/core/errors.ts';
import type { CallAnswer } from '../../../src/pipelines/index.ts';
import type { JobEvent, JobSample } from '../../jobs/types.ts';
import { sendPatiently } from '../compat/send-event.ts';
import { pictureFileUrl } from './picture-url.ts';
import { streamPath } from './stream-addresses.ts';

type Part = CallAnswer['content'][number];

export async function streamRoutes(app: FastifyInstance): Promise<void> {
  app.get<{ Params: { id: string; token: string } }>(
    `${streamPath.slice(streamPath.lastIndexOf('/'))}/:id/:token`,
    {
      // The words are sent as they are, and not as JSON.
      sse: { kind: 'only', serializer: String },
      schema: {
        tags: ['Replicate'],
        summary: 'The output of a prediction as it comes about: the address is in its urls',
        description: 'With Last-Event-ID, the id of an event, it goes on behind that.',
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      const { id, token } = request.params;
      const view = app.streamAddresses.isOf(id, token) ? app.jobs.view(id) : undefined;
      if (!view) throw new DuetError('not-found', 'There is no such stream, or no more: ask for the prediction');
      reply.sse.sendHeaders(200);
      reply.raw.flushHeaders();
      const output = new StreamedOutput(
        ({ data, ...others }) => sendPatiently(reply, { ...others, data: data.replace(/\r\n?/g, '\n') }),
        file => pictureFileUrl(request, view, file),
        placeOf(request.headers['last-event-id']),
      );
      for await (const event of app.jobs.events(id, { signal: request.disconnected })) await output.tell(event);
    },
  );
}

/** Characters and pictures of an answer that a client has: together they are where it goes on. */
interface Place {
  readonly characters: number;
  readonly pictures: number;
}

/** The place that an event's id says; of an id that is none of ours the beginning. */
function placeOf(id: string | string[] | undefined): Place {
  const [, characters, pictures] = /^(\d{1,9})-(\d{1,9})$/.exec(`${id}`) ?? [];
  return { characters: Number(characters ?? 0), pictures: Number(pictures ?? 0) };
}

interface StreamMessage {
  readonly data: string;
  readonly event: 'output' | 'done' | 'error';
  /** The place behind it. */
  readonly id: string;
}

/** Words behind a picture wait until it is drawn. */
class StreamedOutput {
  readonly #send: (message: StreamMessage) => Promise<void>;
  readonly #urlOf: (file: string) => Promise<string | undefined>;
  /** Parts that wait, from `#next` on. */
  #parts: Part[] = [];
  #next = 0;
  /** Characters of the parts before those, and of all that were told. */
  #passed = 0;
  #told = 0;
  readonly #files = new Map<number, string>();
  #place: Place;
  #isOver = false;
  /** Pictures that are not there by then were removed. */
  #isFinished = false;

  constructor(
    send: (message: StreamMessage) => Promise<void>,
    urlOf: (file: string) => Promise<string | undefined>,
    place: Place,
  ) {
    this.#send = send;
    this.#urlOf = urlOf;
    this.#place = place;
  }

  async tell(event: JobEvent): Promise<void> {
    if (this.#isOver) return;
    switch (event.type) {
      case 'text':
        if (event.at !== this.#told) {
          return this.#end('error', 'The answer was begun anew and came out differently; ask again');
        }
        this.#told += event.delta.length;
        this.#parts.push({ type: 'text', text: event.delta });
        return this.#flush();
      case 'image-started':
        this.#parts.push({ type: 'image', index: event.index });
        return;
      case 'sample':
        this.#keep(event.index, event.sample);
        return this.#flush();
      case 'completed': {
        const { answer, samples } = event.result;
        for (const [index, sample] of samples.entries()) this.#keep(index, sample);
        if (answer) [this.#parts, this.#next, this.#passed] = [[...answer.content], 0, 0];
        this.#isFinished = true;
        await this.#flush();
        return this.#end('done', '{}');
      }
      case 'failed':
        return this.#end('error', event.error.message);
      case 'cancelled':
        return this.#end('done', JSON.stringify({ reason: 'canceled' }));
    }
  }

  #keep(index: number, { file }: JobSample): void {
    if (file !== undefined) this.#files.set(index, file);
  }

  /** Sends what the client does not have, up to the first picture that is not finished. */
  async #flush(): Promise<void> {
    for (let part = this.#parts[this.#next]; part; part = this.#parts[this.#next]) {
      if (part.type === 'text') await this.#passText(part.text);
      else if (!(await this.#passPicture(part.index))) return;
      this.#next++;
    }
  }

  async #passText(text: string): Promise<void> {
    const { characters, pictures } = this.#place;
    const rest = text.slice(Math.max(0, characters - this.#passed));
    this.#passed += text.length;
    this.#place = { characters: Math.max(characters, this.#passed), pictures };
    if (rest !== '') await this.#output(rest);
  }

  /** Whether what is behind the picture may be sent. */
  async #passPicture(index: number): Promise<boolean> {
    const { characters, pictures } = this.#place;
    if (index < pictures) return true;
    const file = this.#files.get(index);
    if (file === undefined && !this.#isFinished) return false;
    this.#place = { characters, pictures: index + 1 };
    const url = file === undefined ? undefined : await this.#urlOf(file);
    if (url !== undefined) await this.#output(url);
    return true;
  }

  #output(data: string): Promise<void> {
    return this.#send({ event: 'output', data, id: this.#id });
  }

  async #end(event: 'done' | 'error', data: string): Promise<void> {
    this.#isOver = true;
    await this.#send({ event, data, id: this.#id });
  }

  get #id(): string {
    const { characters, pictures } = this.#place;
    return `${characters}-${pictures}`;
  }
}
