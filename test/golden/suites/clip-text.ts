/** CLIP's text tower under Hugging Face's names. */

import {
  type ClipTextConfig,
  type ClipTextParams,
  clipText,
  clipTextSpec,
  endPositions,
  poolAtEnd,
  projectText,
} from '../../../src/clip/index.ts';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import {
  clipTextConfigFrom,
  clipTextRules,
  clipTowersFrom,
  endOfTextRuleFrom,
  type HuggingFaceClip,
  type HuggingFaceClipText,
} from '../../../src/weights/names/clip.ts';
import { compareOutputs, eachCase, runProgram } from '../harness.ts';
import { makeInputs } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

/** The towers' configs: a full checkpoint names them `text_config` and `vision_config`, older golden files without `_config`. */
export function towersOf(config: Readonly<Record<string, unknown>>) {
  const { text, vision, ...whole } = config;
  return clipTowersFrom({ text_config: text, vision_config: vision, ...whole } as HuggingFaceClip);
}

/** Whether a config is that of a full checkpoint. */
export function isWhole(config: Readonly<Record<string, unknown>>): boolean {
  return ['text', 'text_config', 'vision', 'vision_config'].some(name => name in config);
}

/** Configuration and parameters of the text tower in `weights`. */
export async function textTower(theirs: HuggingFaceClipText, weights: Readonly<Record<string, HostTensor>>) {
  const config = clipTextConfigFrom(theirs, 'text_projection.weight' in weights);
  const prefix = Object.keys(weights).some(name => name.startsWith('text_model.')) ? 'text_model.' : '';
  const params = await makeParams(clipTextSpec(config), clipTextRules(config, prefix), weights);
  return { config, params };
}

/** Inputs of the text tower. */
export const textInputs = { input_ids: ['ids', 'int32'], attention_mask: ['mask', 'int32'] } as const;

const program =
  (config: ClipTextConfig): Program<ClipTextParams, undefined> =>
  ({ params, inputs }) => {
    const states = clipText(params, { ids: inputs['ids']!, mask: inputs['mask'] }, config);
    const pooled = poolAtEnd(states, inputs['ends']!);
    return { outputs: { last_hidden_state: states, pooled, text_embeds: projectText(params, pooled) } };
  };

export const file = 'clip-text.json';

export const run = eachCase(async (golden, backend) => {
  const theirs = isWhole(golden.config) ? towersOf(golden.config).text : (golden.config as HuggingFaceClipText);
  const { config, params } = await textTower(theirs, makeWeights(golden.weights!));
  const inputs = makeInputs(golden.inputs, textInputs);
  const ends = endPositions(inputs['ids']!, endOfTextRuleFrom(theirs));
  return compareOutputs(golden, await runProgram(backend, program(config), params, { ...inputs, ends }));
});
