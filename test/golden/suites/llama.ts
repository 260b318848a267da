/** Llama, through transformers' names: what all language models have, the states of every layer, and gradients of the loss. */
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import { flattenTree, mapTree, type Tree } from '../../../src/core/tree.ts';
import { isTensor } from '../../../src/engine/is-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import {
  type LlamaConfig,
  type LlamaParams,
  llama,
  llamaModel,
  llamaSpec,
  llamaStates,
  nextTokenLoss,
} from '../../../src/lm/index.ts';
import { llamaConfigFrom, llamaRules } from '../../../src/weights/names/llama.ts';
import { type CaseResult, compare } from '../compare.ts';
import { eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { labelledInputs, runModelCase } from '../language-model.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = ['llama.json', 'llama-variants.json'];

/** The parameters' names here and there, both with the embeddings that may be given as input. */
function namesOf(config: LlamaConfig): readonly (readonly [ours: string, theirs: string])[] {
  return [
    ['embeddings', 'inputs_embeds'],
    ...llamaRules(config).map(({ ours, theirs }) => [ours, `${theirs}`] as const),
  ];
}

/** The states of all layers, or the gradients of the loss with respect to every parameter and to embeddings given. */
const program =
  (config: LlamaConfig, output: string, expected: readonly string[] = []): Program<LlamaParams, undefined> =>
  ({ params, inputs }) => {
    const statesOf = (own: LlamaParams, embeddings: tf.Tensor | undefined) =>
      llamaStates(own, { ...inputs, embeddings: embeddings ?? llamaModel(config).embed(own, inputs['ids']!) }, config);
    if (output === 'hidden_states') {
      return { outputs: { hidden_states: tf.stack(statesOf(params, inputs['embeddings'])) } };
    }
    const given = inputs['embeddings'] && { embeddings: inputs['embeddings'] };
    const variables: Record<string, tf.Tensor> = {
      ...flattenTree<tf.Tensor>(params as Tree<tf.Tensor>, isTensor),
      ...given,
    };
    const names = Object.keys(variables).filter(name => expected.includes(name));
    const gradients = tf.grads((...values) => {
      const named = Object.fromEntries(names.map((name, index) => [name, values[index]!]));
      const own = mapTree(
        params as Tree<tf.Tensor>,
        isTensor,
        (own, name) => named[name] ?? own,
      ) as unknown as LlamaParams;
      const states = statesOf(own, named['embeddings'] ?? inputs['embeddings']).at(-1)!;
      return nextTokenLoss(llamaModel(config).logits(own, states), inputs['labels']!, inputs['weights']!);
    })(names.map(name => variables[name]!));
    return { outputs: Object.fromEntries(names.map((name, index) => [name, gradients[index]!])) };
  };

async function furtherOutputs(
  golden: GoldenCase,
  backend: GoldenBackend,
  config: LlamaConfig,
  params: Tree<HostTensor>,
): Promise<CaseResult[]> {
  const { hidden_states: states, gradients } = golden.outputs;
  // The tree is the network's, of whose type the program needs no more than that.
  const run = (output: string, names?: readonly string[]) =>
    runProgram(backend, program(config, output, names), params as never, labelledInputs(golden));
  const results: CaseResult[] = [];
  if (states) {
    const got = await run('hidden_states');
    results.push(compare(`${golden.name} / hidden_states`, got['hidden_states']!, states, golden.tolerance));
  }
  if (!gradients) return results;
  const expected = namesOf(config).flatMap(([ours, theirs]) => {
    const values = (gradients as Record<string, unknown>)[theirs];
    return values ? [{ ours, theirs, values }] : [];
  });
  const got = await run(
    'gradients',
    expected.map(({ ours }) => ours),
  );
  for (const { ours, theirs, values } of expected) {
    results.push(compare(`${golden.name} / gradient of ${theirs}`, got[ours]!, values, golden.tolerance));
  }
  return results;
}

export const run = eachCase(async (golden, backend) => {
  const config = llamaConfigFrom(golden.config, golden.name);
  const params = await makeParams(llamaSpec(config), llamaRules(config), makeWeights(golden.weights!));
  const { hidden_states: _, gradients: __, ...outputs } = golden.outputs;
  const results = await runModelCase({ ...golden, outputs }, backend, {
    model: llamaModel(config),
    params,
    forward: (own, inputs) => llama(own, inputs, config),
    width: config.width,
    positions: 4 * config.positions,
  });
  return [...results, ...(await furtherOutputs(golden, backend, config, params))];
});
