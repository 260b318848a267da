/** A model that answers every dialogue by a script, for tests of the server. Instant, or step by step under the test's control. */
import { DuetError } from '../../src/core/errors.ts';
import {
  type AnySample,
  type CallInputs,
  type CallResult,
  families,
  type InterleavedMessage,
  type RunControls,
} from '../../src/pipelines/index.ts';
import type { JobOptions } from '../jobs/types.ts';
import type { LoadedModel, ServedModel } from '../types.ts';
import { fakePicture } from './fake-model.ts';
import { createGate } from './gate.ts';

/** One step of an answer: words, what happens to a picture, or a fault. */
export type Line =
  | string
  | { readonly start: number }
  | { readonly preview: number }
  | { readonly finish: number }
  /** The inference process dies, the first time that a call comes here. */
  | 'dies'
  | { readonly fails: Error };

export interface FakeChatOptions {
  readonly script?: readonly Line[];
  /** 'stepwise' waits before each line for `advance`. @default 'instant' */
  readonly pace?: 'instant' | 'stepwise';
  readonly sees?: boolean;
  readonly finishReason?: 'stop' | 'length';
  /** How many exchanges it says to read. */
  readonly exchanges?: number;
  /** Messages to begin with. */
  readonly examples?: readonly string[];
}

export interface FakeChatModel extends LoadedModel {
  readonly model: ServedModel;
  /** Every call so far. */
  readonly calls: readonly FakeDialogue[];
  /** Lets every waiting and coming call go so many lines further (all of them without an argument). */
  advance(lines?: number): void;
}

interface FakeDialogue {
  readonly messages: readonly InterleavedMessage[];
  readonly options: JobOptions & RunControls;
}

/** Words, a picture that is drawn while they go on, and more words. */
export const foxes: readonly Line[] = [
  'Here ',
  'is one: ',
  { start: 0 },
  'a fox.',
  { preview: 0 },
  { finish: 0 },
  ' And ',
  { start: 1 },
  { finish: 1 },
  'another.',
];
export const foxesText = 'Here is one: a fox. And another.';
const promptTokens = 7;

export function fakeChatModel({
  script = foxes,
  pace = 'instant',
  sees = true,
  finishReason = 'stop',
  exchanges,
  examples = [],
}: FakeChatOptions = {}): FakeChatModel {
  const calls: FakeDialogue[] = [];
  const gate = createGate(pace === 'instant');
  const used = new Set<number>();

  async function run(mode: string, inputs: CallInputs, options: JobOptions & RunControls = {}): Promise<CallResult> {
    const { messages = [] } = inputs;
    const { seed = 0, signal, onProgress, draw } = options;
    calls.push({ messages, options });
    const lines = draw === 'never' ? script.filter(line => typeof line === 'string' || 'fails' in line) : script;
    const content: ({ type: 'text'; text: string } | { type: 'image'; index: number })[] = [];
    const samples: AnySample[] = [];
    const settings = { model: 'chatty', steps: 2, guidance: 1, solver: 'ddim' };
    const facts = { mode, settings, unknownWords: [], captionCut: false };
    const timings = { encode: 0, sample: 1, decode: 0, total: 1 };
    let at = 0;
    const sampleOf = (index: number) => ({ seed: seed + index, image: fakePicture(seed + index) });
    for (const [step, line] of lines.entries()) {
      await gate.pass(step + 1, signal);
      signal?.throwIfAborted();
      if (line === 'dies') {
        if (used.has(step)) continue;
        used.add(step);
        throw new DuetError('worker-died', 'The inference process died');
      }
      if (typeof line === 'string') {
        onProgress?.({ type: 'text-delta', text: line, at });
        at += line.length;
        const last = content.at(-1);
        if (last?.type === 'text') last.text += line;
        else content.push({ type: 'text', text: line });
      } else if ('start' in line) {
        content.push({ type: 'image', index: line.start });
        onProgress?.({ type: 'image-started', index: line.start, seed: seed + line.start, at });
      } else if ('preview' in line) {
        const { seed: own, image } = sampleOf(line.preview);
        onProgress?.({ type: 'step-progress', index: line.preview, step: 1, total: 2 });
        onProgress?.({ type: 'image-preview', step: 1, images: [image], seeds: [own], indices: [line.preview] });
      } else if ('finish' in line) {
        samples[line.finish] = sampleOf(line.finish);
        const result = { ...facts, timings, samples: [samples[line.finish]!] };
        onProgress?.({ type: 'samples-end', indices: [line.finish], result });
      } else throw line.fails;
    }
    const answer = { content, finishReason, seed, promptTokens, answerTokens: content.length };
    return { ...facts, timings, samples, answer };
  }

  const { calls: table, options } = families.minigpt5;
  const inspectCaption = () => ({ unknownWords: [], cut: false });
  return {
    info: {
      family: 'minigpt5',
      name: 'chatty',
      id: 'chatty',
      created: 1_700_000_000,
      imageSize: 16,
      calls: table,
      options,
      defaults: { chat: { steps: 2, guidance: 1, solver: 'ddim', maxImages: 8, draw: 'auto' } },
      dialogue: { sees, draws: true, ...(exchanges !== undefined && { exchanges }), examples },
      examples: [],
      inspectCaption,
    },
    model: { family: 'minigpt5', name: 'chatty', imageSize: 16, run, inspectCaption, release: async () => {} },
    calls,
    advance: gate.open,
  };
}
