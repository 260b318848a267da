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
import type { Tree } from '../../../src/core/tree.ts';
import type { Program } from '../../../src/engine/types.ts';
import {
  clipTextConfigFrom,
  clipTextRules,
  endOfTextRuleFrom,
  type ForeignClipText,
} from '../../../src/weights/names/clip.ts';
import { paramsFromRules } from '../../../src/weights/names/name-map.ts';
import {
  type CaseResult,
  compare,
  type GoldenBackend,
  type GoldenCase,
  type GoldenFile,
  makeInputs,
  makeWeights,
  runProgram,
} from '../harness.ts';

/** Configuration and parameters of the text tower in `weights`. */
export function textTower(foreign: ForeignClipText, weights: Readonly<Record<string, HostTensor>>) {
  const config = clipTextConfigFrom(foreign, 'text_projection.weight' in weights);
  const prefix = Object.keys(weights).some(name => name.startsWith('text_model.')) ? 'text_model.' : '';
  const params = paramsFromRules(clipTextSpec(config), clipTextRules(config, prefix), name => weights[name]);
  return { config, params: params as Tree<HostTensor> };
}

const program =
  (config: ClipTextConfig): Program<ClipTextParams, undefined> =>
  ({ params, inputs }) => {
    const states = clipText(params, { ids: inputs['ids']!, mask: inputs['mask'] }, config);
    const pooled = poolAtEnd(states, inputs['ends']!);
    return { outputs: { last_hidden_state: states, pooled, text_embeds: projectText(params, pooled) } };
  };

async function runCase(golden: GoldenCase, backend: GoldenBackend): Promise<CaseResult[]> {
  const foreign = golden.config as unknown as ForeignClipText;
  const { config, params } = textTower(foreign, makeWeights(golden.weights!));
  const inputs = makeInputs(golden, { input_ids: 'ids', attention_mask: 'mask' });
  const ends = endPositions(inputs['ids']!, endOfTextRuleFrom(foreign));
  const got = await runProgram(backend, program(config), params, { ...inputs, ends });
  return Object.entries(golden.outputs).map(([name, expected]) =>
    compare(`${golden.name} / ${name}`, got[name]!, expected, golden.tolerance),
  );
}

export const file = 'clip-text.json';

export async function run(golden: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const goldenCase of golden.cases) results.push(...(await runCase(goldenCase, backend)));
  return results;
}
