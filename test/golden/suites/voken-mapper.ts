/** MiniGPT-5's feature mapper under its original names, for given states of vokens and for zeros. */
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import {
  type VokenMapperConfig,
  type VokenMapperParams,
  vokenMapper,
  vokenMapperSpec,
} from '../../../src/vokens/index.ts';
import {
  type OriginalVokenMapper,
  vokenMapperConfigFrom,
  vokenMapperRules,
} from '../../../src/weights/names/voken-mapper.ts';
import { compareOutputs, eachCase, runProgram } from '../harness.ts';
import { makeInputs } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'voken-mapper.json';

const program =
  (config: VokenMapperConfig): Program<VokenMapperParams, undefined> =>
  ({ params, inputs }) => {
    const { projected, encoded, context } = vokenMapper(params, inputs['states']!, config);
    return { outputs: { fc: projected, encoder: encoded, mapped: context } };
  };

export const run = eachCase(async (golden, backend) => {
  const config = vokenMapperConfigFrom(golden.config as OriginalVokenMapper);
  const params = await makeParams(vokenMapperSpec(config), vokenMapperRules(config), makeWeights(golden.weights!));
  const results: Record<string, HostTensor> = {};
  for (const [name, input] of Object.entries(golden.inputs)) {
    const inputs = makeInputs({ states: input }, { states: ['states', 'float32'] });
    const outputs = await runProgram(backend, program(config), params, inputs);
    for (const [part, tensor] of Object.entries(outputs)) results[`${name}_${part}`] = tensor;
  }
  return compareOutputs(golden, results);
});
