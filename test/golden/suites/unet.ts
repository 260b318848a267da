/** The U-Net of Stable Diffusion 1 and 2 with its states on the way, and its other options with gradients. */
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import { flattenTree, type Tree } from '../../../src/core/tree.ts';
import type { TensorRecord } from '../../../src/engine/types.ts';
import { lossGradients, nest } from '../../../src/train/step.ts';
import { type UnetConfig, type UnetParams, unetSpec, unetStates } from '../../../src/unet/index.ts';
import type { NameRule } from '../../../src/weights/names/name-map.ts';
import { type DiffusersUnet, unetConfigFromDiffusers, unetRules } from '../../../src/weights/names/unet.ts';
import { type CaseResult, compare } from '../compare.ts';
import { compareOutputs, eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs, readTensor, ruleI, toTensor } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = ['unet-sd15.json', 'unet-sd21.json', 'unet-options.json'];

/** Names in the files of inputs. */
const inputNames = (config: UnetConfig) =>
  ({
    sample: ['sample', 'float32'],
    timestep: ['time', 'float32'],
    context: ['context', 'float32'],
    class_labels: ['class', config.class?.kind === 'labels' ? 'int32' : 'float32'],
    timestep_cond: ['guidance', 'float32'],
  }) as const;

/** The factors of the outputs in the sum whose gradients are recorded: rule I with this c. */
const LOSS_C = 0.3;

export const run = eachCase(async (golden, backend) => {
  const config = unetConfigFromDiffusers(golden.config as DiffusersUnet);
  const rules = unetRules(config);
  const params = await makeParams(unetSpec(config), rules, makeWeights(golden.weights!));
  const inputs = makeInputs(golden.inputs, inputNames(config));
  const outputs = await runProgram<UnetParams>(
    backend,
    ({ params, inputs }) => {
      const states = statesOf(params, inputs, config);
      return {
        outputs: {
          out: states.out,
          time_embedding: states.conditioning,
          down_block_0: states.down[0]!,
          mid_block: states.mid,
        },
      };
    },
    params,
    inputs,
  );
  const { gradients, ...expected } = golden.outputs;
  const results = compareOutputs({ ...golden, outputs: expected }, outputs);
  if (gradients === undefined) return results;
  return [...results, ...(await compareGradients(golden, backend, { config, rules, params, inputs }))];
});

function statesOf(params: UnetParams, inputs: TensorRecord, config: UnetConfig) {
  const { sample, time, context, class: label, guidance } = inputs;
  return unetStates(params, { sample: sample!, time: time!, context, class: label, guidance }, config);
}

interface Subject {
  readonly config: UnetConfig;
  readonly rules: readonly NameRule[];
  readonly params: Tree<HostTensor>;
  readonly inputs: Record<string, HostTensor>;
}

/** Gradients of parameters under our names, and of inputs, which the program takes for parameters here. */
async function compareGradients(
  golden: GoldenCase,
  backend: GoldenBackend,
  { config, rules, params, inputs }: Subject,
): Promise<CaseResult[]> {
  const { sample, context, ...others } = inputs;
  const variables = { params, inputs: { sample: sample!, ...(context && { context }) } } as Tree<HostTensor>;
  const { shape } = golden.outputs['out'] as { readonly shape: readonly number[] };
  const outputs = await runProgram<unknown>(
    backend,
    ({ params: given, inputs }) => {
      const flat = flattenTree(given as Tree<tf.Tensor>, node => node instanceof tf.Tensor);
      const { gradients } = lossGradients(flat => {
        const tree = nest(flat, variables) as unknown as { params: UnetParams; inputs: TensorRecord };
        const { out } = statesOf(tree.params, { ...inputs, ...tree.inputs }, config);
        return { loss: tf.sum(tf.mul(out, inputs['factors']!)) as tf.Scalar, metrics: {} };
      }, flat);
      return { outputs: gradients };
    },
    variables,
    { ...others, factors: toTensor(ruleI(shape, LOSS_C)) },
  );
  return Object.entries(golden.outputs['gradients'] as object).map(([theirs, literal]) => {
    const expected = readTensor(literal, 'float32', theirs);
    const rule = rules.find(rule => rule.theirs === theirs);
    const ours = rule ? `params.${rule.ours}` : `inputs.${theirs}`;
    const { shape, data } = rule?.transform ? rule.transform.apply([expected]) : expected;
    const label = `${golden.name} / d ${theirs}`;
    return compare(label, outputs[ours]!, { shape, data: [...data] }, golden.tolerance);
  });
}
