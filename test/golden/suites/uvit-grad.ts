/**
 * Training of both U-ViTs: losses, gradients, the gradient norm, and AdamW with warm-up and averaging over some steps.
 * The steps are those of the trainer, with the clipping out of the way.
 */
import * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import { flattenTree, type Tree } from '../../../src/core/tree.ts';
import { compile } from '../../../src/engine/index.ts';
import type { Program, TensorRecord } from '../../../src/engine/types.ts';
import { adamWStep, globalNorm, optimizerScalars, type TrainState } from '../../../src/train/optimizer.ts';
import { initialState, type LossResult, lossGradients, nest, scalarInputs } from '../../../src/train/step.ts';
import { type JointUvitParams, jointUvitSpec, type UvitParams, uvit, uvitSpec } from '../../../src/uvit/index.ts';
import type { NameRule } from '../../../src/weights/names/name-map.ts';
import {
  jointUvitConfigFrom,
  jointUvitRules,
  type OriginalJointUvit,
  type OriginalUvit,
  uvitConfigFrom,
  uvitRules,
} from '../../../src/weights/names/uvit.ts';
import { type CaseResult, compare } from '../compare.ts';
import { eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs, readTensor } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';
import { jointInputsOf, jointOutputs, runJoint } from './uvit.ts';
import { plainInputs } from './uvit-plain.ts';

export const file = 'uvit-grad.json';

/** A network with the loss of its cases. */
interface Subject {
  readonly params: Tree<HostTensor>;
  readonly rules: readonly NameRule[];
  readonly inputs: Record<string, HostTensor>;
  readonly loss: (params: unknown, inputs: TensorRecord) => LossResult;
}

/** The settings of the adamw cases. */
interface AdamW {
  readonly lr: number;
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly warmup_steps: number;
  readonly steps: number;
  readonly ema: number;
}

const meanSquare = (got: tf.Tensor, target: tf.Tensor) => tf.mean(tf.square(tf.sub(got, target)));

async function jointSubject(golden: GoldenCase): Promise<Subject> {
  const config = jointUvitConfigFrom(golden.config as unknown as OriginalJointUvit);
  const tensors = makeWeights(golden.weights!);
  const rules = jointUvitRules(config);
  const names = Object.entries(jointOutputs);
  const targets = names.map(([theirs]) => [`target_${theirs}`, [`target_${theirs}`, 'float32']] as const);
  return {
    params: await makeParams(jointUvitSpec(config), rules, tensors),
    rules,
    inputs: jointInputsOf(golden, config, Object.fromEntries(targets)),
    loss: (params, inputs) => {
      const predicted = runJoint(params as JointUvitParams, inputs, config);
      const parts = names.map(([theirs, ours]) => meanSquare(predicted[ours], inputs[`target_${theirs}`]!));
      return {
        loss: tf.addN(parts) as tf.Scalar,
        metrics: Object.fromEntries(names.map(([theirs], i) => [theirs, parts[i]!])),
      };
    },
  };
}

async function plainSubject(golden: GoldenCase): Promise<Subject> {
  const config = uvitConfigFrom(golden.config as unknown as OriginalUvit);
  const tensors = makeWeights(golden.weights!);
  const rules = uvitRules(config);
  return {
    params: await makeParams(uvitSpec(config), rules, tensors),
    rules,
    inputs: makeInputs(golden.inputs, { ...plainInputs, target: ['target', 'float32'] }),
    loss: (params, inputs) => {
      const { image, time, label, context, target } = inputs;
      const out = uvit(params as UvitParams, { image: image!, time: time!, label, context }, config);
      const perSample = tf.mean(tf.square(tf.sub(out, target!)), [1, 2, 3]);
      return { loss: tf.mean(perSample) as tf.Scalar, metrics: { per_sample: perSample } };
    },
  };
}

/** A tensor of theirs (a parameter, its gradient, its average) under our name and in our layout. */
function translate(rules: readonly NameRule[], theirs: string, literal: unknown) {
  const tensor = readTensor(literal, 'float32', theirs);
  const rule = rules.find(rule => rule.theirs === theirs);
  if (!rule) throw new Error(`No parameter is called ${theirs}`);
  const { shape, data } = rule.transform ? rule.transform.apply([tensor]) : tensor;
  return { ours: rule.ours, expected: { shape, data: [...data] } };
}

function isTensor(node: unknown): node is tf.Tensor {
  return node instanceof tf.Tensor;
}

async function gradientCase(golden: GoldenCase, subject: Subject, backend: GoldenBackend): Promise<CaseResult[]> {
  const outputs = await runProgram<unknown>(
    backend,
    ({ params, inputs }) => {
      const flat = flattenTree(params as Tree<tf.Tensor>, isTensor);
      const { loss, metrics, gradients } = lossGradients(
        flat => subject.loss(nest(flat, subject.params), inputs),
        flat,
      );
      const norm = globalNorm(Object.values(gradients));
      return { outputs: { loss, norm, ...metrics, ...prefixed('gradient:', gradients) } };
    },
    subject.params,
    subject.inputs,
  );
  const { loss, grad_norm: norm, loss_parts: parts, grads } = golden.outputs;
  const value = (name: string, got: string, expected: unknown) =>
    compare(`${golden.name} / ${name}`, { data: outputs[got]!.data }, expected, golden.tolerance);
  return [
    value('loss', 'loss', loss),
    value('gradient norm', 'norm', norm),
    ...Object.entries(parts as object).map(([name, expected]) => value(`loss of ${name}`, name, expected)),
    ...Object.entries(grads as object).map(([name, literal]) => {
      const { ours, expected } = translate(subject.rules, name, literal);
      return compare(`${golden.name} / d ${name}`, outputs[`gradient:${ours}`]!, expected, golden.tolerance);
    }),
  ];
}

function prefixed(prefix: string, record: TensorRecord): TensorRecord {
  return Object.fromEntries(Object.entries(record).map(([name, tensor]) => [prefix + name, tensor]));
}

async function adamWCase(golden: GoldenCase, subject: Subject, backend: GoldenBackend): Promise<CaseResult[]> {
  const {
    lr,
    betas,
    eps: epsilon,
    weight_decay: weightDecay,
    warmup_steps: warmup,
    steps,
    ema,
  } = golden['adamw'] as AdamW;
  const optimizer = { lr, betas, epsilon, weightDecay, clipNorm: Number.POSITIVE_INFINITY, ema, emaWarmup: false };
  const scalarsAt = (step: number) => {
    const rate = warmup === 0 ? lr : lr * Math.min(step / warmup, 1);
    return scalarInputs(optimizerScalars({ ...optimizer, warmup, schedule: 'constant', finalShare: 1 }, step, rate));
  };
  const program: Program<undefined, TrainState<tf.Tensor>> = ({ state, inputs }) => {
    const lossOf = (flat: TensorRecord) => subject.loss(nest(flat, subject.params), inputs);
    const { loss, gradients } = lossGradients(lossOf, state.params);
    return { outputs: { loss }, state: adamWStep(state, gradients, inputs, optimizer).state };
  };
  const inputs = { ...subject.inputs, ...scalarsAt(0) };
  const executable = await compile(
    program,
    { state: initialState(subject.params), inputs },
    { device: backend, name: 'golden-adamw', threads: 1 },
  );
  try {
    const losses: number[] = [];
    let state: Record<string, HostTensor> = {};
    for (let step = 0; step <= steps; step++) {
      // The run after the last step only tells the loss.
      if (step === steps) state = await executable.readState();
      const { loss } = await executable.run({ ...inputs, ...scalarsAt(step) });
      losses.push(loss!.data[0]!);
    }
    const tensors = (part: 'params' | 'ema', literals: unknown) =>
      Object.entries(literals as object).map(([name, literal]) => {
        const { ours, expected } = translate(subject.rules, name, literal);
        return compare(`${golden.name} / ${part} ${name}`, state[`${part}.${ours}`]!, expected, golden.tolerance);
      });
    const { adamw_losses: expected, adamw_params: params, ema_params: averages } = golden.outputs;
    return [
      compare(`${golden.name} / losses`, { data: losses }, expected, golden.tolerance),
      ...tensors('params', params),
      ...tensors('ema', averages),
    ];
  } finally {
    await executable.release();
  }
}

export const run = eachCase(async (golden, backend) => {
  const subject = await ('clip_img_dim' in golden.config ? jointSubject(golden) : plainSubject(golden));
  return golden['adamw'] === undefined ? gradientCase(golden, subject, backend) : adamWCase(golden, subject, backend);
});
