/** Cases of decoder-only language models: logits, hidden states, loss, and greedy continuation through the cache. */
import type * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../src/core/host-tensor.ts';
import type { Program, Sources } from '../../src/engine/types.ts';
import { beamSearch, type LanguageModel, nextTokenLoss } from '../../src/lm/index.ts';
import { searchCached } from './cached-decoding.ts';
import { type CaseResult, compare, compareExact } from './compare.ts';
import { type GoldenBackend, type GoldenCase, runProgram } from './harness.ts';
import { makeInputs, readValues } from './tensors.ts';

type Inputs = Readonly<Record<string, HostTensor>>;

const names = {
  input_ids: ['ids', 'int32'],
  inputs_embeds: ['embeddings', 'float32'],
  attention_mask: ['mask', 'int32'],
  position_ids: ['positions', 'int32'],
  labels: ['labels', 'int32'],
} as const;

/** A network built for a case. */
export interface GoldenModel<P> {
  readonly model: LanguageModel<P>;
  readonly params: Sources<P>;
  /** The last hidden states of a whole sequence, [B, L, W]. */
  readonly forward: (
    params: P,
    inputs: {
      readonly embeddings: tf.Tensor;
      readonly mask?: tf.Tensor | undefined;
      readonly positions?: tf.Tensor | undefined;
    },
  ) => tf.Tensor;
  readonly width: number;
  /** Positions that a sequence may have. */
  readonly positions: number;
}

function programOf<P>({ model, forward }: GoldenModel<P>): Program<P, undefined> {
  return ({ params, inputs }) => {
    const { mask, positions, labels } = inputs;
    const embeddings = inputs['embeddings'] ?? model.embed(params, inputs['ids']!);
    const states = forward(params, { embeddings, mask, positions });
    const logits = model.logits(params, states);
    if (!labels) return { outputs: { logits, last_hidden_state: states } };
    return {
      outputs: {
        logits,
        last_hidden_state: states,
        loss: nextTokenLoss(logits, labels, inputs['weights']!).reshape([1]),
      },
    };
  };
}

/** The inputs of a case, with labels of -100 as valid ids and weights. */
export function labelledInputs(golden: GoldenCase): Record<string, HostTensor> {
  const inputs = makeInputs(golden.inputs, names);
  const { labels, ...others } = inputs;
  if (!labels) return inputs;
  const ids = Array.from(labels.data);
  return {
    ...others,
    labels: { ...labels, data: Int32Array.from(ids, id => Math.max(id, 0)) },
    weights: { dtype: 'float32', shape: labels.shape, data: Float32Array.from(ids, id => (id === -100 ? 0 : 1)) },
  };
}

/** The rows of a [B, L, W] tensor whose position is visible, as [visible, W]: what the file lists when there is a mask. */
function visibleRows({ shape, data }: HostTensor, mask: HostTensor) {
  const width = shape.at(-1)!;
  const rows = Array.from(mask.data).flatMap((visible, row) =>
    visible === 0 ? [] : [...data.subarray(row * width, (row + 1) * width)],
  );
  return { shape: [rows.length / width, width], data: rows };
}

async function greedyTokens<P>(
  golden: GoldenCase,
  backend: GoldenBackend,
  { model, params, width, positions }: GoldenModel<P>,
  { ids, embeddings }: Inputs,
): Promise<number[][]> {
  const maxTokens = golden['greedy_tokens'] as number;
  const [rows, length] = (ids ?? embeddings)!.shape as [number, number];
  const row = <T extends HostTensor['data']>(data: T, index: number): T => {
    const size = data.length / rows;
    return data.subarray(index * size, (index + 1) * size) as T;
  };
  const prompt = (index: number) =>
    ids
      ? { ids: [...row(ids.data, index)] }
      : { ids: new Array<number>(length).fill(-1), vectors: row(embeddings!.data as Float32Array, index) };
  // One beam is greedy decoding; no token ends it.
  const searches = Array.from({ length: rows }, (_, index) => ({
    search: beamSearch({ beams: 1, maxTokens, endIds: [] }),
    prompt: prompt(index),
  }));
  const found = await searchCached(
    backend,
    { searches, params, positions },
    {
      model,
      params: (params: P) => params,
      ...(embeddings && { vectors: { width, embed: (_: P, vectors: tf.Tensor) => vectors } }),
    },
  );
  return found.map(([beam]) => [...beam!.tokens]);
}

export async function runModelCase<P>(
  golden: GoldenCase,
  backend: GoldenBackend,
  network: GoldenModel<P>,
): Promise<CaseResult[]> {
  const inputs = labelledInputs(golden);
  const got = await runProgram(backend, programOf(network), network.params, inputs);
  const results: CaseResult[] = [];
  for (const [output, expected] of Object.entries(golden.outputs)) {
    const name = `${golden.name} / ${output}`;
    if (output === 'greedy') {
      const tokens = await greedyTokens(golden, backend, network, inputs);
      results.push(compareExact(name, tokens.flat(), readValues(expected, name).data));
      continue;
    }
    const mask = inputs['mask'];
    const tensor = got[output]!;
    results.push(
      compare(name, mask && tensor.shape.length === 3 ? visibleRows(tensor, mask) : tensor, expected, golden.tolerance),
    );
  }
  return results;
}
