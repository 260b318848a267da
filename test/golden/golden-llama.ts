/** A Llama of a golden file with several networks. */
import { type LlamaParams, llama, llamaModel, llamaSpec } from '../../src/lm/index.ts';
import { llamaConfigFrom, llamaRules } from '../../src/weights/names/llama.ts';
import type { GoldenNetwork } from './harness.ts';
import type { GoldenModel } from './language-model.ts';
import { makeParams, makeWeights } from './weights.ts';

/** @param prefix of the names */
export async function goldenLlama(
  config: unknown,
  weights: GoldenNetwork['weights'],
  prefix = '',
): Promise<GoldenModel<LlamaParams>> {
  const ours = llamaConfigFrom(config, 'golden');
  return {
    model: llamaModel(ours),
    params: await makeParams(llamaSpec(ours), llamaRules(ours, prefix), makeWeights(weights)),
    forward: (params, inputs) => llama(params, inputs, ours),
    width: ours.width,
    positions: ours.positions,
  };
}
