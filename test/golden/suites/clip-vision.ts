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
  normalise,
  poolAtEnd,
  poolClassToken,
  projectImage,
  projectText,
} from '../../../src/clip/index.ts';
import { float32, type HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import {
  clipVisionConfigFrom,
  clipVisionRules,
  endOfTextRuleFrom,
  type ForeignClipText,
  type ForeignClipVision,
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
import { textTower } from './clip-text.ts';

function imageTower(foreign: ForeignClipVision, weights: Readonly<Record<string, HostTensor>>) {
  const config = clipVisionConfigFrom(foreign, 'visual_projection.weight' in weights);
  const params = paramsFromRules(clipVisionSpec(config), clipVisionRules(config), name => weights[name]);
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
    const states = clipText(params.text, { ids: inputs['ids']! }, text);
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

interface WholeConfig {
  readonly text: ForeignClipText;
  readonly vision: ForeignClipVision;
  readonly logit_scale: number;
}

async function runSimilarity(golden: GoldenCase, backend: GoldenBackend): Promise<Record<string, HostTensor>> {
  const whole = golden.config as unknown as WholeConfig;
  const weights = makeWeights(golden.weights!);
  const text = textTower(whole.text, weights);
  const vision = imageTower(whole.vision, weights);
  const inputs = makeInputs(golden, { input_ids: 'ids', pixel_values: 'pixels' });
  const ends = endPositions(inputs['ids']!, endOfTextRuleFrom(whole.text));
  const logitScale = float32([], Float32Array.of(whole.logit_scale));
  const params = { text: text.params, vision: vision.params };
  const program = similarityProgram(text.config, vision.config);
  return runProgram(backend, program, params, { ...inputs, ends, logitScale });
}

async function runVision(golden: GoldenCase, backend: GoldenBackend): Promise<Record<string, HostTensor>> {
  const foreign = golden.config as unknown as ForeignClipVision;
  const { config, params } = imageTower(foreign, makeWeights(golden.weights!));
  return runProgram(backend, visionProgram(config), params, makeInputs(golden, { pixel_values: 'pixels' }));
}

export const file = 'clip-vision.json';

export async function run(golden: GoldenFile, backend: GoldenBackend): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const goldenCase of golden.cases) {
    const whole = 'text' in goldenCase.config;
    const got = await (whole ? runSimilarity : runVision)(goldenCase, backend);
    for (const [name, expected] of Object.entries(goldenCase.outputs)) {
      results.push(compare(`${goldenCase.name} / ${name}`, got[name]!, expected, goldenCase.tolerance));
    }
  }
  return results;
}
