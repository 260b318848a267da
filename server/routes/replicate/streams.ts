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
        (data, event) => sendPatiently(reply, { event, data: data.replace(/\r\n?/g, '\n') }),
        file => pictureFileUrl(request, view, file),
      );
      for await (const event of app.jobs.events(id, { signal: request.disconnected })) await output.tell(event);
    },
  );
}

/** Words behind a picture wait until it is drawn. */
class StreamedOutput {
  readonly #send: (data: string, event: 'output' | 'done' | 'error') => Promise<void>;
  readonly #urlOf: (file: string) => Promise<string | undefined>;
  #parts: Part[] = [];
  readonly #files = new Map<number, string>();
  /** Characters and pictures that were sent, which together are a place in the answer. */
  #characters = 0;
  #pictures = 0;
  #isOver = false;
  /** Pictures that are not there by then were removed. */
  #isFinished = false;

  constructor(
    send: (data: string, event: 'output' | 'done' | 'error') => Promise<void>,
    urlOf: (file: string) => Promise<string | undefined>,
  ) {
    this.#send = send;
    this.#urlOf = urlOf;
  }

  async tell(event: JobEvent): Promise<void> {
    if (this.#isOver) return;
    switch (event.type) {
      case 'text':
        if (event.at !== this.#length())
          return this.#fail('The answer was begun anew and came out differently; ask again');
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
        if (answer) this.#parts = [...answer.content];
        this.#isFinished = true;
        await this.#flush();
        return this.#end({});
      }
      case 'failed':
        return this.#fail(event.error.message);
      case 'cancelled':
        return this.#end({ reason: 'canceled' });
    }
  }

  #keep(index: number, { file }: JobSample): void {
    if (file !== undefined) this.#files.set(index, file);
  }

  #length(): number {
    return this.#parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0);
  }

  /** Sends what was not sent yet, up to the first picture that is not finished. */
  async #flush(): Promise<void> {
    let characters = 0;
    for (const part of this.#parts) {
      if (part.type === 'text') {
        const rest = part.text.slice(Math.max(0, this.#characters - characters));
        characters += part.text.length;
        this.#characters = Math.max(this.#characters, characters);
        if (rest !== '') await this.#send(rest, 'output');
      } else if (part.index >= this.#pictures) {
        const file = this.#files.get(part.index);
        if (file === undefined && !this.#isFinished) return;
        this.#pictures = part.index + 1;
        const url = file === undefined ? undefined : await this.#urlOf(file);
        if (url !== undefined) await this.#send(url, 'output');
      }
    }
  }

  async #end(data: object): Promise<void> {
    this.#isOver = true;
    await this.#send(JSON.stringify(data), 'done');
  }

  async #fail(message: string): Promise<void> {
    this.#isOver = true;
    await this.#send(message, 'error');
  }
}
