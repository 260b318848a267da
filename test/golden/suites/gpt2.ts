/** GPT-2: logits, hidden states, loss, and greedy continuation through the cache. */
import type * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program, Sources } from '../../../src/engine/types.ts';
import {
  beamSearch,
  embedTokens,
  type Gpt2Config,
  type Gpt2Params,
  gpt2,
  gpt2Logits,
  gpt2Model,
  gpt2Spec,
  tokenLoss,
} from '../../../src/lm/index.ts';
import { gpt2ConfigFrom, gpt2Rules, type HuggingFaceGpt2 } from '../../../src/weights/names/gpt2.ts';
import { searchCached } from '../cached-decoding.ts';
import { type CaseResult, compare, compareExact } from '../compare.ts';
import { eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs, readValues } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

type Inputs = Readonly<Record<string, HostTensor>>;

const embed = (params: Gpt2Params, inputs: Readonly<Record<string, tf.Tensor>>) =>
  inputs['embeddings'] ?? embedTokens(params, inputs['ids']!);

const program =
  (config: Gpt2Config): Program<Gpt2Params, undefined> =>
  ({ params, inputs }) => {
    const { mask, positions, labels, weights } = inputs;
    const states = gpt2(params, { embeddings: embed(params, inputs), mask, positions }, config);
    const logits = gpt2Logits(params, states);
    if (!labels) return { outputs: { logits, last_hidden_state: states } };
    const [batch, length, vocabulary] = logits.shape as [number, number, number];
    const before = logits.slice([0, 0, 0], [batch, length - 1, vocabulary]);
    const after = (tensor: tf.Tensor) => tensor.slice([0, 1], [batch, length - 1]);
    return {
      outputs: {
        logits,
        last_hidden_state: states,
        loss: tokenLoss(before, after(labels), after(weights!)).reshape([1]),
      },
    };
  };

/** Labels with -100 as valid ids and weights. */
function labelled(inputs: Inputs): Inputs {
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

async function greedyTokens(
  golden: GoldenCase,
  backend: GoldenBackend,
  config: Gpt2Config,
  params: Sources<Gpt2Params>,
  inputs: Inputs,
): Promise<number[][]> {
  const maxTokens = golden['greedy_tokens'] as number;
  const name = inputs['embeddings'] ? 'embeddings' : 'ids';
  const prefix = inputs[name]!;
  const [rows] = prefix.shape as [number];
  // One beam is greedy decoding; no token ends it.
  const searches = Array.from({ length: rows }, () => beamSearch({ beams: 1, maxTokens, endId: -1 }));
  const found = await searchCached(
    backend,
    { searches, params, prefix, positions: config.positions },
    {
      model: gpt2Model(config),
      params: (params: Gpt2Params) => params,
      embedPrefix: (params, prefix) => embed(params, { [name]: prefix }),
    },
  );
  return found.map(([beam]) => [...beam!.tokens]);
}

const names = {
  input_ids: ['ids', 'int32'],
  inputs_embeds: ['embeddings', 'float32'],
  attention_mask: ['mask', 'int32'],
  position_ids: ['positions', 'int32'],
  labels: ['labels', 'int32'],
} as const;

async function runCase(golden: GoldenCase, backend: GoldenBackend): Promise<CaseResult[]> {
  const config = gpt2ConfigFrom(golden.config as HuggingFaceGpt2);
  const weights = makeWeights(golden.weights!);
  const prefix = 'wte.weight' in weights ? '' : 'transformer.';
  const params = await makeParams(gpt2Spec(config), gpt2Rules(config, prefix), weights);
  const inputs = makeInputs(golden.inputs, names);
  const got = await runProgram(backend, program(config), params, labelled(inputs));
  const results: CaseResult[] = [];
  for (const [output, expected] of Object.entries(golden.outputs)) {
    const name = `${golden.name} / ${output}`;
    if (output === 'greedy') {
      const tokens = await greedyTokens(golden, backend, config, params, inputs);
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

export const file = 'gpt2.json';

export const run = eachCase(runCase);
