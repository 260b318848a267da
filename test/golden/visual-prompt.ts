/** What a language model makes of a prompt with pictures: embeddings, logits, greedy continuation, loss. */
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../src/core/host-tensor.ts';
import { beamSearch, type Extension, nextTokenLoss } from '../../src/lm/index.ts';
import { searchCached } from './cached-decoding.ts';
import { type GoldenBackend, runProgram } from './harness.ts';
import type { GoldenModel } from './language-model.ts';
import { toTensor } from './tensors.ts';

export interface PromptOptions {
  /** [B, L], 1 = visible. */
  readonly mask?: HostTensor;
  /** int32 [B, L] */
  readonly positions?: HostTensor;
  /** [B, L], how much each token counts in the loss. */
  readonly weights?: HostTensor;
}

/** The prompts as the inputs `ids` [B, L] and `vectors` [B, L, W], where an id of -1 stands for the vector at its place. */
function promptInputs(prompts: readonly Extension[], width: number): Record<string, HostTensor> {
  const length = prompts[0]!.ids.length;
  const rows = prompts.map(({ vectors }) => [...(vectors ?? new Float32Array(length * width))]);
  return {
    ids: toTensor({ shape: [prompts.length, length], data: prompts.flatMap(({ ids }) => ids) }, 'int32'),
    vectors: toTensor({ shape: [prompts.length, length, width], data: rows.flat() }),
  };
}

/** `inputs_embeds`, `logits` and, with weights, `loss` of prompts of one length. */
export function readPrompts<P>(
  backend: GoldenBackend,
  { model, params, forward, width }: GoldenModel<P>,
  prompts: readonly Extension[],
  options: PromptOptions = {},
): Promise<Record<string, HostTensor>> {
  return runProgram<P>(
    backend,
    ({ params: own, inputs }) => {
      const ids = tf.maximum(inputs['ids']!, tf.scalar(0, 'int32'));
      const isToken = tf.greaterEqual(inputs['ids']!, tf.scalar(0, 'int32')).expandDims(2);
      const embeddings = tf.where(isToken, model.embed(own, ids), inputs['vectors']!);
      const { mask, positions, weights } = inputs;
      const logits = model.logits(own, forward(own, { embeddings, mask, positions }));
      const loss = weights && nextTokenLoss(logits, ids, weights).reshape([1]);
      return { outputs: { inputs_embeds: embeddings, logits, ...(loss && { loss }) } };
    },
    params,
    { ...promptInputs(prompts, width), ...options },
  );
}

/** The tokens that follow each prompt, until the end of a row is one of `stops`. */
export async function continuePrompts<P>(
  backend: GoldenBackend,
  { model, params, width, positions }: GoldenModel<P>,
  prompts: readonly Extension[],
  { maxTokens, stops = [] }: { readonly maxTokens: number; readonly stops?: readonly (readonly number[])[] },
): Promise<number[][]> {
  const found = await searchCached(
    backend,
    {
      searches: prompts.map(({ ids, vectors }) => ({
        // One beam is greedy decoding; no single token ends it.
        search: beamSearch({ beams: 1, maxTokens, endIds: [] }),
        prompt: { ids, vectors: vectors ?? new Float32Array(ids.length * width) },
      })),
      params,
      positions,
    },
    { model, params: (own: P) => own, vectors: { width, embed: (_, vectors) => vectors } },
  );
  return found.map(([beam]) => untilStop(beam!.tokens, stops));
}

function untilStop(tokens: readonly number[], stops: readonly (readonly number[])[]): number[] {
  const ends = tokens.findIndex((_, at) =>
    stops.some(stop => stop.every((token, back) => tokens[at + 1 - stop.length + back] === token)),
  );
  return tokens.slice(0, ends < 0 ? undefined : ends + 1);
}

/** The rows of a tensor of vectors [B, N, W]. */
export function rowsOf({ shape, data }: HostTensor): Float32Array[] {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => Float32Array.from(data.subarray(row * size, (row + 1) * size)));
}
