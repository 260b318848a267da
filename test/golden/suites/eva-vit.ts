/** The EVA vision transformer under its original names. */
import type { Program } from '../../../src/engine/types.ts';
import {
  type VisionTransformerConfig,
  type VisionTransformerParams,
  visionTransformerSpec,
  visionTransformerStates,
} from '../../../src/nn/vision-transformer.ts';
import { evaRules, evaTowerFrom, type OriginalEva } from '../../../src/weights/names/eva.ts';
import { compareOutputs, eachCase, runProgram } from '../harness.ts';
import { makeInputs } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'eva-vit.json';

const program =
  (config: VisionTransformerConfig): Program<VisionTransformerParams, undefined> =>
  ({ params, inputs }) => ({ outputs: { out: visionTransformerStates(params, inputs['pixels']!, config).at(-1)! } });

export const run = eachCase(async (golden, backend) => {
  const theirs = golden.config as OriginalEva & { readonly checkpoint_img_size?: number };
  const { img_size: size, checkpoint_img_size: trained = size } = theirs;
  const config = evaTowerFrom({ ...theirs, ...(trained !== undefined && { img_size: trained }) });
  const params = await makeParams(visionTransformerSpec(config), evaRules(config), makeWeights(golden.weights!));
  const inputs = makeInputs(golden.inputs, { image: ['pixels', 'float32'] });
  return compareOutputs(golden, await runProgram(backend, program(config), params, inputs));
});
