/** The Q-Former between norm and projection, on given image states or behind its tower, under both libraries' names. */
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import { type ConnectorParams, connectorSpec, connectorStates } from '../../../src/vision/connector.ts';
import {
  type VisualFrontEndConfig,
  type VisualFrontEndParams,
  visualFrontEndSpec,
  visualStates,
} from '../../../src/vision/index.ts';
import {
  miniGpt4ConfigFrom,
  miniGpt4ConnectorRules,
  miniGpt4Rules,
  type OriginalMiniGpt4,
} from '../../../src/weights/names/minigpt4.ts';
import type { NameRule } from '../../../src/weights/names/name-map.ts';
import { under } from '../../../src/weights/names/name-map.ts';
import { blip2QFormer, qFormerRules } from '../../../src/weights/names/q-former.ts';
import type { CaseResult } from '../compare.ts';
import { compareOutputs, eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs } from '../tensors.ts';
import { makeParams, makeWeights, type WeightRecipe } from '../weights.ts';

export const file = 'qformer.json';

/** Names of the states in the files. */
export function namedStates({ features, queries, vectors }: ReturnType<typeof connectorStates>) {
  return { ln_vision: features, ...(queries && { qformer: queries }), llm_inputs: vectors };
}

const wholeProgram =
  (config: VisualFrontEndConfig): Program<VisualFrontEndParams, undefined> =>
  ({ params, inputs }) => {
    const { tower, ...states } = visualStates(params, { pixels: inputs['pixels']! }, config);
    return { outputs: { visual_encoder: tower, ...namedStates(states) } };
  };

const connectorProgram =
  ({ connector }: VisualFrontEndConfig): Program<ConnectorParams, undefined> =>
  ({ params, inputs }) => ({ outputs: namedStates(connectorStates(params, inputs['states']!, connector)) });

/** The states of MiniGPT-4's front end for the images of a case. */
export async function runFrontEnd(
  backend: GoldenBackend,
  theirs: OriginalMiniGpt4,
  recipe: WeightRecipe,
  inputs: GoldenCase['inputs'],
): Promise<Record<string, HostTensor>> {
  const config = miniGpt4ConfigFrom(theirs);
  const params = await makeParams(visualFrontEndSpec(config), miniGpt4Rules(config), makeWeights(recipe));
  return runProgram(backend, wholeProgram(config), params, makeInputs(inputs, { image: ['pixels', 'float32'] }));
}

async function runConnector(golden: GoldenCase, backend: GoldenBackend): Promise<CaseResult[]> {
  const theirs = golden.config as unknown as OriginalMiniGpt4 & {
    readonly qformer: { readonly encoder_width: number };
  };
  const config = miniGpt4ConfigFrom(theirs);
  const { connector } = config;
  const recipe = golden.weights!;
  const weights = makeWeights(recipe);
  const renamed = makeWeights({ ...recipe, mapped: recipe.mapped_transformers_qformer! }, 'mapped');
  const fromTransformers = under('qFormer.', qFormerRules(connector.qFormer!, { ...blip2QFormer, prefix: '' }));
  const run = async (rules: readonly NameRule[], given: Record<string, HostTensor>) => {
    const params = await makeParams(connectorSpec(connector, theirs.qformer.encoder_width), rules, given);
    const inputs = makeInputs(golden.inputs, { image_features: ['states', 'float32'] });
    return compareOutputs(golden, await runProgram(backend, connectorProgram(config), params, inputs));
  };
  const own = miniGpt4ConnectorRules(connector);
  // Later rules take the place of earlier ones.
  return [...(await run(own, weights)), ...(await run([...own, ...fromTransformers], { ...weights, ...renamed }))];
}

export const run = eachCase(async (golden, backend) => {
  const theirs = golden.config as unknown as OriginalMiniGpt4;
  if (!theirs.vit) return runConnector(golden, backend);
  return compareOutputs(golden, await runFrontEnd(backend, theirs, golden.weights!, golden.inputs));
});
