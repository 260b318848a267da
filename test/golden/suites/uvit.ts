/** UniDiffuser's joint noise predictor, under the original names and under those of diffusers. */
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Sources, TensorRecord } from '../../../src/engine/types.ts';
import { type JointUvitConfig, type JointUvitParams, jointUvit, jointUvitSpec } from '../../../src/uvit/index.ts';
import {
  type DiffusersUvit,
  jointUvitConfigFrom,
  jointUvitConfigFromDiffusers,
  jointUvitDiffusersRules,
  jointUvitRules,
  type OriginalJointUvit,
} from '../../../src/weights/names/uvit.ts';
import { compare } from '../compare.ts';
import { eachCase, type GoldenCase, runProgram } from '../harness.ts';
import { type InputNames, makeInputs } from '../tensors.ts';
import { makeParams, makeWeights, type WeightRecipe } from '../weights.ts';

export const file = ['uvit-v0.json', 'uvit-v1.json', 'uvit-v1-diffusers.json'];

/** Names in the files of inputs and of outputs. */
const jointInputs = {
  img: ['image', 'float32'],
  clip_img: ['clipImage', 'float32'],
  text: ['text', 'float32'],
  t_img: ['imageTime', 'float32'],
  t_text: ['textTime', 'float32'],
  data_type: ['dataType', 'int32'],
} as const;
export const jointOutputs = { img: 'image', clip_img: 'clipImage', text: 'text' } as const;

interface JointModel {
  readonly config: JointUvitConfig;
  readonly params: Sources<JointUvitParams>;
}

/** The network of a case from the arguments of the original or of diffusers. */
export async function jointModel(theirs: unknown, weights: WeightRecipe): Promise<JointModel> {
  const isDiffusers = 'attention_head_dim' in (theirs as object);
  const config = isDiffusers
    ? jointUvitConfigFromDiffusers(theirs as DiffusersUvit)
    : jointUvitConfigFrom(theirs as OriginalJointUvit);
  const tensors = makeWeights(weights, isDiffusers && weights.mapped ? 'mapped' : 'ranked');
  const rules = isDiffusers ? jointUvitDiffusersRules(config) : jointUvitRules(config);
  return { config, params: await makeParams(jointUvitSpec(config), rules, tensors) };
}

/** The data type that diffusers takes where none is given. */
export const DATA_TYPE = 1;

/** The inputs of a case; networks without the data-type token take none. `more`: further inputs of the same batch. */
export function jointInputsOf(
  { inputs }: GoldenCase,
  { dataTypeToken }: JointUvitConfig,
  more: InputNames = {},
): Record<string, HostTensor> {
  const { data_type: _, ...others } = jointInputs;
  return dataTypeToken
    ? makeInputs({ data_type: DATA_TYPE, ...inputs }, { ...jointInputs, ...more })
    : makeInputs(inputs, { ...others, ...more });
}

/** Runs the network on tensors by our names. */
export function runJoint(params: JointUvitParams, inputs: TensorRecord, config: JointUvitConfig) {
  return jointUvit(
    params,
    {
      image: inputs['image']!,
      clipImage: inputs['clipImage']!,
      text: inputs['text']!,
      imageTime: inputs['imageTime']!,
      textTime: inputs['textTime']!,
      dataType: inputs['dataType'],
    },
    config,
  );
}

export const run = eachCase(async (golden, backend) => {
  const { config, params } = await jointModel(golden.config, golden.weights!);
  const outputs = await runProgram<JointUvitParams>(
    backend,
    ({ params, inputs }) => ({ outputs: { ...runJoint(params, inputs, config) } }),
    params,
    jointInputsOf(golden, config),
  );
  return Object.entries(jointOutputs).map(([theirs, ours]) =>
    compare(`${golden.name} / ${theirs}`, outputs[ours]!, golden.outputs[theirs], golden.tolerance),
  );
});
