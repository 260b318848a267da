/**
 * A model that answers in dialogues, as a user sees it: MiniGPT-5 (Zheng et al., arXiv 2310.02239), whose generative vokens
 * drive a latent diffusion U-Net, and LLaVA (Liu et al., arXiv 2304.08485), BLIP-2 (Li et al., arXiv 2301.12597) and InstructBLIP
 * (Dai et al., arXiv 2305.06500), which are given pictures and answer in words.
 */
import { DuetError } from '../../core/errors.ts';
import { decodeImage, fetchIfRemote, type ImageInput, inDecodeSlot } from '../../image/index.ts';
import { type Extension, placeImages } from '../../lm/index.ts';
import type { DrawChoice } from '../../vokens/index.ts';
import { checkCall } from '../call-table.ts';
import { embeddedChatModel } from '../embedded-models.ts';
import type { LoadOptions } from '../family.ts';
import { findModel } from '../find-model.ts';
import { type TextOptions, usedOptions } from '../llama/options.ts';
import type { CallInputs, CallResult, CallSettings, CaptionReport, Pipeline, RunControls } from '../pipeline.ts';
import { drawSeed, seedLimit } from '../seeds.ts';
import type { DrawOptions } from '../stable-diffusion/index.ts';
import { answer } from './answer.ts';
import {
  type ChatCallOptions,
  chatStandards,
  drawingOptions as drawingSchemas,
  textOptions,
  wordOptions,
} from './calls/options.ts';
import { runAnswer } from './calls/run.ts';
import { drawingCalls, wordCalls } from './calls/table.ts';
import type { ChatFamily } from './chat-files.ts';
import type { ChatFolder } from './chat-folder.ts';
import type { InterleavedMessage } from './dialogue.ts';
import type { InterleavedAnswer, InterleavedChatEvent } from './events.ts';
import { type ChatNetworks, createNetworks } from './networks.ts';
import { readChatFolder } from './read-chat-folder.ts';

/** How pictures of an answer are drawn; what is not given is as the model's folder says. */
type DrawingOptions = Pick<
  DrawOptions,
  'steps' | 'guidance' | 'solver' | 'noiseSchedule' | 'width' | 'height' | 'guidanceRescale' | 'previewEvery'
>;

export interface InterleavedChatOptions extends Omit<TextOptions, 'withHidden'>, DrawingOptions {
  /** Whether the answer has pictures: as the model chooses, one at its beginning at least, or none. @default 'auto' */
  readonly draw?: DrawChoice;
  /** Most pictures of the answer. @default 8 */
  readonly maxImages?: number;
}

export class ChatModel implements Pipeline {
  readonly #folder: ChatFolder;
  readonly #networks: ChatNetworks;

  private constructor(folder: ChatFolder, networks: ChatNetworks) {
    this.#folder = folder;
    this.#networks = networks;
  }

  /**
   * Loads the embedded model that converses, or a model folder by path.
   * @throws DuetError 'model-not-found' listing the embedded models | 'invalid-config' | 'invalid-weights'
   */
  static async load(model: string = embeddedChatModel, options: LoadOptions = {}): Promise<ChatModel> {
    options.signal?.throwIfAborted();
    const folder = await readChatFolder(await findModel(model));
    return new ChatModel(folder, await createNetworks(folder, options));
  }

  get family(): ChatFamily {
    return this.#folder.family;
  }

  /** The model's name. */
  get name(): string {
    return this.#folder.name;
  }

  /** Side of the pictures in pixels, where no size is asked for; undefined if it does not draw. */
  get imageSize(): number | undefined {
    return this.#networks.drawing?.drawer.imageSize;
  }

  /** Whether its answers may have pictures. */
  get draws(): boolean {
    return this.#networks.drawing !== undefined;
  }

  /** Whether it can be given pictures. */
  get sees(): boolean {
    return this.#networks.see !== undefined;
  }

  /**
   * Answers in a dialogue, in words and pictures. That the model chose not to draw is an answer without pictures.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   * @example
   * const { content } = await model.chat([{ role: 'user', content: 'Show me two foxes.' }], { seed: 1 });
   */
  async chat(
    messages: readonly InterleavedMessage[],
    { onEvent, ...options }: InterleavedChatOptions & { readonly onEvent?: (event: InterleavedChatEvent) => void } = {},
  ): Promise<InterleavedAnswer> {
    for await (const event of this.streamChat(messages, options)) {
      onEvent?.(event);
      if (event.type === 'done') return event.answer;
    }
    throw new Error('A stream of events ends with the answer');
  }

  /** `chat`, event by event; ending the loop ends the call. */
  async *streamChat(
    messages: readonly InterleavedMessage[],
    options: InterleavedChatOptions = {},
  ): AsyncGenerator<InterleavedChatEvent, void> {
    const { language, vocabulary, stop, sampling, drawing } = this.#folder;
    const { draw = chatStandards.draw, maxImages = chatStandards.maxImages, signal, priority } = options;
    checkChoices(draw, maxImages);
    const seeds = drawing ? Math.max(1, maxImages) : 1;
    if (draw === 'always' && !drawing) {
      throw new DuetError('invalid-argument', `The model ${this.name} does not draw; leave draw out`, {
        field: 'draw',
      });
    }
    const prompt = await this.#prompt(messages, options);
    const room = this.#positions - prompt.ids.length;
    if (room < 1) throw tooLong(prompt.ids.length, this.#positions);
    const { seed = drawSeed(seeds) } = options;
    const used = usedOptions({ ...options, seed }, { defaults: sampling, stopIds: language.stopIds, room });
    if (drawing && used.search) {
      throw new DuetError(
        'invalid-argument',
        `The model ${this.name} draws, and vokens have no place in a search: leave beams out`,
        {
          field: 'beams',
        },
      );
    }
    if (used.seed + seeds > seedLimit) {
      throw new DuetError('invalid-argument', `seed must leave room for ${maxImages} pictures, got ${used.seed}`, {
        field: 'seed',
      });
    }
    yield* answer(
      {
        networks: this.#networks,
        tokenizer: language.tokenizer,
        vocabulary,
        positions: this.#positions,
      },
      prompt,
      {
        used: { ...used, stop: [...stop, ...used.stop] },
        penalised: penalisedIds(prompt, this.#folder),
        draw: drawing ? draw : 'never',
        maxImages,
        drawing: { ...drawing?.defaults, ...drawingOptions(options) },
        signal,
        priority,
      },
    );
  }

  /**
   * `chat` as the call of its table, with inputs and options under the names of the API; the samples of the result are the
   * answer's pictures. Or a call of the model with which it draws.
   * @throws DuetError 'invalid-argument' | 'invalid-image'
   */
  async run(mode: string, inputs: CallInputs, options: RunControls & ChatCallOptions = {}): Promise<CallResult> {
    const { drawing } = this.#networks;
    if (drawing && mode !== 'chat' && Object.hasOwn(drawing.calls, mode)) {
      return drawing.pipeline.run(mode, inputs, { ...options });
    }
    const { signal, onProgress: _, ...values } = options;
    const table = drawing
      ? { calls: { ...drawingCalls, ...drawing.calls }, options: { ...textOptions, ...drawingSchemas } }
      : { calls: wordCalls, options: wordOptions };
    checkCall(table, mode, inputs, values);
    const { messages = [] } = inputs; // checkCall knows that they are there
    const events = this.streamChat(messages, { ...values, ...(signal && { signal }) });
    return runAnswer(events, this.#settingsOf(values), options);
  }

  /** What the model with which it draws will make of a caption's words; without one how many tokens a text has. */
  inspectCaption(text: string): CaptionReport {
    const { drawing } = this.#networks;
    if (drawing) return drawing.pipeline.inspectCaption(text);
    const { tokenizer } = this.#folder.language;
    return { unknownWords: [], cut: false, tokens: tokenizer.encode(text, { framed: false }).length };
  }

  /** The words of captions that the model was trained on with which it draws, if they are known. */
  get vocabulary(): readonly string[] {
    return this.#networks.drawing?.pipeline.vocabulary ?? [];
  }

  /** The text that an answer goes on with, with a placeholder for each picture. */
  chatText(messages: readonly InterleavedMessage[]): string {
    return this.#folder.write(messages).text;
  }

  /** Ends all calls and frees the weights; further calls throw. Idempotent. */
  async release(): Promise<void> {
    await Promise.all([this.#networks.release(), this.#folder.language.prompts.release()]);
  }

  /** What draws the pictures of a call; of a model that does not draw its name alone. */
  #settingsOf(values: ChatCallOptions): CallSettings {
    const { drawing } = this.#networks;
    if (!drawing) return { model: this.name };
    const { drawer, precision } = drawing;
    const given = { ...this.#folder.drawing?.defaults, ...drawingOptions(values) };
    const { steps, guidance, solver } = { ...drawer.defaults, ...given };
    const { previewEvery: _, ...shown } = given;
    return { model: this.name, ...shown, steps, guidance, solver, ...(precision !== 'fp32' && { precision }) };
  }

  get #positions(): number {
    return this.#folder.language.network.positions;
  }

  async #prompt(messages: readonly InterleavedMessage[], { signal }: InterleavedChatOptions): Promise<Extension> {
    const { language, vocabulary, write } = this.#folder;
    const { text, images, isFramed = false, picturesFirst = false } = write(messages);
    if (images.length > 0 && !this.sees) {
      throw new DuetError(
        'invalid-argument',
        `The model ${this.name} is given no pictures: it has no visual front end`,
        {
          field: 'messages',
        },
      );
    }
    const { tokenizer, prompts, network } = language;
    if (tokenizer.exceeds(text, this.#positions)) throw tooLong(undefined, this.#positions);
    const { before, behind } = tokenizer.frame;
    const words = await prompts.encode(text, { framed: false, signal });
    const places = images.map(() => vocabulary.image.id);
    const ids = picturesFirst ? [...places, ...before, ...words, ...behind] : [...(isFramed ? [] : before), ...words];
    if (ids.length >= this.#positions) throw tooLong(ids.length, this.#positions); // before pictures are looked at
    return placeImages(ids, {
      placeholder: vocabulary.image.id,
      images: images.length === 0 ? [] : await this.#see(images, text, signal),
      width: network.width,
    });
  }

  async #see(images: readonly ImageInput[], text: string, signal: AbortSignal | undefined) {
    const options = signal ? { signal } : {};
    const pixels = images.map(async image => {
      const local = await fetchIfRemote(image, options);
      return inDecodeSlot(() => decodeImage(local, options));
    });
    return this.#networks.see!(await Promise.all(pixels), { ...options, text });
  }
}

function tooLong(positions: number | undefined, most: number): DuetError {
  return new DuetError(
    'invalid-argument',
    `The dialogue takes ${positions ?? `more than ${most}`} positions; the model reads ${most} with its answer. Make it shorter.`,
    { field: 'messages' },
  );
}

/**
 * What the repetition penalty looks at beside the answer, as transformers does: the words of the prompt, or the token that an
 * answer begins with where an encoder reads the prompt; nothing where the prompt is given as vectors (MiniGPT-5).
 */
function penalisedIds({ ids }: Extension, { language, drawing }: ChatFolder): readonly number[] {
  if (drawing) return [];
  const { encoder } = language.network.model;
  return encoder ? [encoder.startId] : ids.filter(id => id >= 0);
}

const draws: readonly DrawChoice[] = ['auto', 'always', 'never'];

function checkChoices(draw: DrawChoice, maxImages: number): void {
  if (!draws.includes(draw)) {
    throw new DuetError('invalid-argument', `draw is one of ${draws.join(', ')}, got ${JSON.stringify(draw)}`, {
      field: 'draw',
    });
  }
  const least = draw === 'always' ? 1 : 0;
  if (Number.isSafeInteger(maxImages) && maxImages >= least) return;
  throw new DuetError('invalid-argument', `maxImages must be a whole number from ${least} on, got ${maxImages}`, {
    field: 'maxImages',
  });
}

/** Those that say how to draw, as far as they are given. */
function drawingOptions(options: InterleavedChatOptions): DrawingOptions {
  const { steps, guidance, solver, noiseSchedule, width, height, guidanceRescale, previewEvery } = options;
  const all = { steps, guidance, solver, noiseSchedule, width, height, guidanceRescale, previewEvery };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
