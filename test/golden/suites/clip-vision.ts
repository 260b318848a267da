/** CLIP's image tower, and the similarity of images and texts by the whole model. */
import type * as tf from '@tensorflow/tfjs';
import {
  type ClipTextConfig,
  type ClipTextParams,
  type ClipVisionConfig,
  type ClipVisionParams,
  clipText,
  clipVision,
  clipVisionSpec,
  contrastiveLogits,
  endPositions,
  initialLogitScale,
  normalise,
  poolAtEnd,
  poolClassToken,
  projectImage,
  projectText,
} from '../../../src/clip/index.ts';
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import {
  clipVisionConfigFrom,
  clipVisionRules,
  endOfTextRuleFrom,
  type HuggingFaceClipVision,
} from '../../../src/weights/names/clip.ts';
import { compareOutputs, eachCase, type GoldenBackend, type GoldenCase, runProgram } from '../harness.ts';
import { makeInputs, readTensor } from '../tensors.ts';
import { makeParams, makeWeights } from '../weights.ts';
import { isWhole, textInputs, textTower, towersOf } from './clip-text.ts';

async function imageTower(theirs: HuggingFaceClipVision, weights: Readonly<Record<string, HostTensor>>) {
  const config = clipVisionConfigFrom(theirs, 'visual_projection.weight' in weights);
  const params = await makeParams(clipVisionSpec(config), clipVisionRules(config), weights);
  return { config, params };
}

function imageFeatures(params: ClipVisionParams, pixels: tf.Tensor, config: ClipVisionConfig) {
  const states = clipVision(params, pixels, config);
  const pooled = poolClassToken(params, states, config);
  return { states, pooled, embeds: projectImage(params, pooled) };
}

const visionProgram =
  (config: ClipVisionConfig): Program<ClipVisionParams, undefined> =>
  ({ params, inputs }) => {
    const { states, pooled, embeds } = imageFeatures(params, inputs['pixels']!, config);
    return { outputs: { last_hidden_state: states, pooled, image_embeds: embeds } };
  };

interface WholeParams {
  readonly text: ClipTextParams;
  readonly vision: ClipVisionParams;
}

const similarityProgram =
  (text: ClipTextConfig, vision: ClipVisionConfig): Program<WholeParams, undefined> =>
  ({ params, inputs }) => {
    const image = imageFeatures(params.vision, inputs['pixels']!, vision).embeds;
    const states = clipText(params.text, { ids: inputs['ids']!, mask: inputs['mask'] }, text);
    const caption = projectText(params.text, poolAtEnd(states, inputs['ends']!));
    const { perImage, perText } = contrastiveLogits(image, caption, inputs['logitScale']!);
    return {
      outputs: {
        image_embeds_normalized: normalise(image),
        text_embeds_normalized: normalise(caption),
        logits_per_image: perImage,
        logits_per_text: perText.transpose(),
      },
    };
  };

const imageInputs = { pixel_values: ['pixels', 'float32'] } as const;

async function runSimilarity(golden: GoldenCase, backend: GoldenBackend): Promise<Record<string, HostTensor>> {
  const towers = towersOf(golden.config);
  const weights = makeWeights(golden.weights!);
  const text = await textTower(towers.text, weights);
  const vision = await imageTower(towers.vision, weights);
  // Images and texts are two batches: each is scored against all of the other.
  const inputs = { ...makeInputs(golden.inputs, textInputs), ...makeInputs(golden.inputs, imageInputs) };
  const ends = endPositions(inputs['ids']!, endOfTextRuleFrom(towers.text));
  const { logit_scale: given, logit_scale_init_value: initial } = golden.config;
  const logitScale = weights['logit_scale'] ?? readTensor(given ?? initial ?? initialLogitScale);
  const params = { text: text.params, vision: vision.params };
  const program = similarityProgram(text.config, vision.config);
  return runProgram(backend, program, params, { ...inputs, ends, logitScale });
}

async function runVision(golden: GoldenCase, backend: GoldenBackend): Promise<Record<string, HostTensor>> {
  const theirs = isWhole(golden.config) ? towersOf(golden.config).vision : (golden.config as HuggingFaceClipVision);
  const { config, params } = await imageTower(theirs, makeWeights(golden.weights!));
  return runProgram(backend, visionProgram(config), params, makeInputs(golden.inputs, imageInputs));
}

export const file = 'clip-vision.json';

export const run = eachCase(async (golden, backend) => {
  const hasText = golden.inputs['input_ids'] !== undefined;
  return compareOutputs(golden, await (hasText ? runSimilarity : runVision)(golden, backend));
});
