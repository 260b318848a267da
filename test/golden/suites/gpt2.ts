/** GPT-2, through transformers' names. */
import { gpt2, gpt2Model, gpt2Spec } from '../../../src/lm/index.ts';
import { gpt2ConfigFrom, gpt2Rules, type HuggingFaceGpt2 } from '../../../src/weights/names/gpt2.ts';
import { eachCase } from '../harness.ts';
import { runModelCase } from '../language-model.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'gpt2.json';

export const run = eachCase(async (golden, backend) => {
  const config = gpt2ConfigFrom(golden.config as HuggingFaceGpt2);
  const weights = makeWeights(golden.weights!);
  const prefix = 'wte.weight' in weights ? '' : 'transformer.';
  return runModelCase(golden, backend, {
    model: gpt2Model(config),
    params: await makeParams(gpt2Spec(config), gpt2Rules(config, prefix), weights),
    forward: (params, inputs) => gpt2(params, inputs, config),
    width: config.width,
    positions: config.positions,
  });
});
