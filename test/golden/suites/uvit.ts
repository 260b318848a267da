/** UniDiffuser's joint noise predictor, under the original names and under those of diffusers. */
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Tree } from '../../../src/core/tree.ts';
import type { TensorRecord } from '../../../src/engine/types.ts';
import { type UvitConfig, type UvitParams, uvit, uvitSpec } from '../../../src/uvit/index.ts';
import { paramsFromRules } from '../../../src/weights/names/name-map.ts';
import {
  type DiffusersUvit,
  type ForeignJointUvit,
  uvitConfigFrom,
  uvitConfigFromDiffusers,
  uvitDiffusersRules,
  uvitRules,
} from '../../../src/weights/names/uvit.ts';
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

export const file = ['uvit-v0.json', 'uvit-v1.json', 'uvit-v1-diffusers.json'];

/** Names in the files of inputs and of outputs. */
export const jointInputs = {
  img: 'image',
  clip_img: 'clipImage',
  text: 'text',
  t_img: 'imageTime',
  t_text: 'textTime',
  data_type: 'dataType',
} as const;
export const jointOutputs = { img: 'image', clip_img: 'clipImage', text: 'text' } as const;

interface JointModel {
  readonly config: UvitConfig;
  readonly params: Tree<HostTensor>;
}

function modelOf({ config: foreign, weights }: GoldenCase): JointModel {
  const isDiffusers = weights!.mapped !== undefined;
  const config = isDiffusers
    ? uvitConfigFromDiffusers(foreign as unknown as DiffusersUvit)
    : uvitConfigFrom(foreign as unknown as ForeignJointUvit);
  const tensors = makeWeights(weights!, isDiffusers ? 'mapped' : 'ranked');
  const rules = isDiffusers ? uvitDiffusersRules(config) : uvitRules(config);
  return { config, params: paramsFromRules(uvitSpec(config), rules, name => tensors[name]) };
}

/** The inputs of a case. diffusers takes one data type for the whole batch; networks without the token ignore it. */
export function jointInputsOf(golden: GoldenCase, config: UvitConfig): Record<string, HostTensor> {
  const { data_type: dataType } = golden.inputs;
  const inputs = makeInputs(
    typeof dataType === 'number' ? { ...golden, inputs: { ...golden.inputs, data_type: undefined } } : golden,
    jointInputs,
  );
  if (!config.dataTypeToken) {
    const { dataType: _, ...others } = inputs;
    return others;
  }
  if (typeof dataType !== 'number') return inputs;
  const batch = inputs['image']!.shape[0]!;
  return { ...inputs, dataType: { dtype: 'int32', shape: [batch], data: new Int32Array(batch).fill(dataType) } };
}

/** Runs the network on tensors by our names. */
export function runJoint(params: UvitParams, inputs: TensorRecord, config: UvitConfig) {
  return uvit(
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

async function runCase(golden: GoldenCase, backend: GoldenBackend): Promise<CaseResult[]> {
  const { config, params } = modelOf(golden);
  const outputs = await runProgram<UvitParams>(
    backend,
    ({ params, inputs }) => ({ outputs: { ...runJoint(params, inputs, config) } }),
    params,
    jointInputsOf(golden, config),
  );
  return Object.entries(jointOutputs).map(([theirs, ours]) =>
    compare(`${golden.name} / ${theirs}`, outputs[ours]!, golden.outputs[theirs], golden.tolerance),
  );
}

export async function run({ cases }: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const golden of cases) results.push(...(await runCase(golden, backend)));
  return results;
}
