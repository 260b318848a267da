/** The plain U-ViT: class-conditional, unconditional, with a text context. */
import { type UvitParams, uvit, uvitSpec } from '../../../src/uvit/index.ts';
import { type OriginalUvit, uvitConfigFrom, uvitRules } from '../../../src/weights/names/uvit.ts';
import { compareOutputs, eachCase, runProgram } from '../harness.ts';
import { makeInputs } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = ['uvit-plain-class.json', 'uvit-plain-text.json'];

/** Names in the files of inputs. */
export const plainInputs = {
  x: ['image', 'float32'],
  timesteps: ['time', 'float32'],
  y: ['label', 'int32'],
  context: ['context', 'float32'],
} as const;

export const run = eachCase(async (golden, backend) => {
  const config = uvitConfigFrom(golden.config as unknown as OriginalUvit);
  const tensors = makeWeights(golden.weights!);
  const params = await makeParams(uvitSpec(config), uvitRules(config), tensors);
  const outputs = await runProgram<UvitParams>(
    backend,
    ({ params, inputs }) => {
      const { image, time, label, context } = inputs;
      return { outputs: { out: uvit(params, { image: image!, time: time!, label, context }, config) } };
    },
    params,
    makeInputs(golden.inputs, plainInputs),
  );
  return compareOutputs(golden, outputs);
});
