/** One answer: the language model writes on while the pictures that it has asked for are drawn. */
import { EventQueue } from '../../core/event-queue.ts';
import { type BeamOptions, type Extension, TokenChooser } from '../../lm/index.ts';
import { type JsonTokenizer, TextStream } from '../../tokenizer/index.ts';
import { type DrawChoice, interleavedTokens, type VokenVocabulary } from '../../vokens/index.ts';
import { searchText } from '../language/search-text.ts';
import type { UsedOptions } from '../llama/options.ts';
import type { DrawOptions } from '../stable-diffusion/calls/types.ts';
import type { AnswerPart, InterleavedAnswer, InterleavedChatEvent } from './events.ts';
import type { ChatNetworks, DrawingNetworks } from './networks.ts';

export interface AnswerParts {
  readonly networks: ChatNetworks;
  readonly tokenizer: JsonTokenizer;
  readonly vocabulary: VokenVocabulary;
  /** Positions of prompt and answer together. */
  readonly positions: number;
}

export interface AnswerOptions {
  readonly used: UsedOptions;
  /** Ids that the repetition penalty looks at beside the answer's. */
  readonly penalised: readonly number[];
  readonly draw: DrawChoice;
  readonly maxImages: number;
  /** Without seed, signal and listener. */
  readonly drawing: DrawOptions;
  readonly signal?: AbortSignal | undefined;
  readonly priority?: number | undefined;
}

/** The events of the answer behind `prompt`; ending the loop ends everything. */
export async function* answer(
  parts: AnswerParts,
  prompt: Extension,
  options: AnswerOptions,
): AsyncGenerator<InterleavedChatEvent, void> {
  const left = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal;
  const queue = new EventQueue<InterleavedChatEvent>();
  const writer = new AnswerWriter(parts, { ...options, signal }, event => queue.push(event));
  const written = writer.write(prompt).then(
    () => queue.end(),
    error => {
      left.abort(error); // pictures that are being drawn are of no use any more
      queue.fail(error);
    },
  );
  try {
    yield* queue;
  } finally {
    left.abort();
    await written;
  }
}

type Sequences = ReturnType<ChatNetworks['decoder']['sequences']>;
type AnswerEnd = Pick<InterleavedAnswer, 'finishReason' | 'answerTokens'>;

class AnswerWriter {
  readonly #parts: AnswerParts;
  readonly #options: AnswerOptions & { readonly signal: AbortSignal };
  readonly #tell: (event: InterleavedChatEvent) => void;
  /** Pictures are filled in when they are drawn. */
  readonly #content: (AnswerPart | undefined)[] = [];
  readonly #drawings: Promise<void>[] = [];
  #stream: TextStream;
  /** Of a picture that could not be drawn. */
  #failure: { readonly error: unknown } | undefined;

  constructor(
    parts: AnswerParts,
    options: AnswerOptions & { readonly signal: AbortSignal },
    tell: (event: InterleavedChatEvent) => void,
  ) {
    this.#parts = parts;
    this.#options = options;
    this.#tell = tell;
    this.#stream = this.#newStream();
  }

  async write(prompt: Extension): Promise<void> {
    const { networks } = this.#parts;
    const { used, signal, priority } = this.#options;
    const sequences = networks.decoder.sequences({ signal, ...(priority !== undefined && { priority }) });
    const end = await (used.search ? this.#search(prompt, sequences, used.search) : this.#choose(prompt, sequences));
    await Promise.all(this.#drawings);
    const content = this.#content.filter(part => part !== undefined);
    this.#tell({
      type: 'done',
      answer: {
        content,
        text: content.flatMap(part => (part.type === 'text' ? [part.text] : [])).join(''),
        images: content.flatMap(part => (part.type === 'image' ? [part.image] : [])),
        ...end,
        promptTokens: prompt.ids.length,
        seed: used.seed,
      },
    });
  }

  /** The words of the most probable answer. */
  async #search(prompt: Extension, sequences: Sequences, search: BeamOptions): Promise<AnswerEnd> {
    const { penalised, used, signal } = this.#options;
    const { maxTokens, stopIds } = used;
    const { ids, finishReason } = await searchText(prompt, sequences, search, {
      maxTokens,
      stopIds,
      penalised,
      signal,
    });
    const text = [...ids.map(id => this.#stream.push(id)), this.#stream.end()].join('');
    this.#addText(text);
    return { finishReason: this.#stream.isStopped ? 'stop' : finishReason, answerTokens: ids.length };
  }

  /** Token by token, with pictures. */
  async #choose(prompt: Extension, sequences: Sequences): Promise<AnswerEnd> {
    const { vocabulary, positions } = this.#parts;
    const { used, penalised, draw, maxImages, signal } = this.#options;
    const tokens = interleavedTokens(prompt, sequences, {
      vokens: vocabulary.vokens.map(({ id }) => id),
      chooser: new TokenChooser(used.choice),
      maxTokens: used.maxTokens,
      positions,
      stops: used.stopIds.map(id => [id]),
      draw,
      maxImages,
      penalised,
      signal,
    });
    let answerTokens = 0;
    let finishReason: 'stop' | 'length' = 'stop';
    try {
      while (!this.#stream.isStopped) {
        const next = await tokens.next();
        if (next.done) {
          this.#addText(this.#stream.end());
          finishReason = this.#stream.isStopped ? 'stop' : next.value.finishReason;
          break;
        }
        answerTokens++;
        if (next.value.type === 'token') this.#addText(this.#stream.push(next.value.id));
        else this.#addPicture(next.value.states);
        this.#throwOfDrawings();
      }
    } finally {
      await tokens.return({ finishReason: 'stop', ids: [] });
    }
    return { finishReason, answerTokens };
  }

  #newStream(): TextStream {
    return new TextStream(this.#parts.tokenizer, { stop: this.#options.used.stop });
  }

  #addText(text: string): void {
    if (text === '') return;
    const last = this.#content.at(-1);
    if (last?.type === 'text') this.#content[this.#content.length - 1] = { type: 'text', text: last.text + text };
    else this.#content.push({ type: 'text', text });
    this.#tell({ type: 'text-delta', text });
  }

  #addPicture(states: Float32Array): void {
    this.#addText(this.#stream.end());
    this.#stream = this.#newStream();
    const index = this.#drawings.length;
    const place = this.#content.push(undefined) - 1;
    this.#tell({ type: 'image-started', index, seed: this.#seedOf(index) });
    const drawing = this.#draw(states, index).then(part => {
      this.#content[place] = part;
    });
    drawing.catch(error => {
      this.#failure ??= { error };
    });
    this.#drawings.push(drawing);
  }

  /** A picture that cannot be drawn ends the answer at once. */
  #throwOfDrawings(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #seedOf(index: number): number {
    return this.#options.used.seed + index;
  }

  async #draw(states: Float32Array, index: number): Promise<AnswerPart> {
    const { drawer, contextsOf } = this.#parts.networks.drawing as DrawingNetworks; // models without vokens never get here
    const { drawing, signal, priority } = this.#options;
    const seed = this.#seedOf(index);
    const contexts = await contextsOf(states, { signal });
    const [sample] = await drawer.draw(contexts, {
      ...drawing,
      n: 1,
      seed,
      signal,
      ...(priority !== undefined && { priority }),
      onProgress: event => {
        if (event.type === 'step-progress') {
          this.#tell({ type: 'image-progress', index, step: event.step, total: event.total });
        }
        if (event.type === 'image-preview') {
          this.#tell({ type: 'image-preview', index, step: event.step, image: event.images[0]!, seed });
        }
      },
    });
    const { image } = sample!;
    this.#tell({ type: 'image', index, image, seed });
    return { type: 'image', image, seed };
  }
}
