/** LLaVA: CLIP's states of a chosen layer, the projector, and what Llama makes of the prompt. */
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import { placeImages } from '../../../src/lm/index.ts';
import {
  type VisualFrontEndConfig,
  type VisualFrontEndParams,
  visualFrontEndSpec,
  visualStates,
} from '../../../src/vision/index.ts';
import { type LlavaOptions, llavaConfigFrom, llavaNamesOf, llavaRules } from '../../../src/weights/names/llava.ts';
import { compareExact } from '../compare.ts';
import { goldenLlama } from '../golden-llama.ts';
import {
  compareOutputs,
  eachCase,
  type GoldenBackend,
  type GoldenCase,
  type GoldenFile,
  networkOf,
  runProgram,
} from '../harness.ts';
import { makeInputs, readTensor, readValues } from '../tensors.ts';
import { continuePrompts, readPrompts, rowsOf } from '../visual-prompt.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = 'llava.json';

const program =
  (config: VisualFrontEndConfig): Program<VisualFrontEndParams, undefined> =>
  ({ params, inputs }) => {
    const { features, vectors } = visualStates(params, { pixels: inputs['pixels']! }, config);
    return { outputs: { vision_features: features, image_features: vectors } };
  };

/** Version 1.0 is three networks, later ones are one. */
async function networksOf(file: GoldenFile, golden: GoldenCase) {
  const isWhole = golden['kind'] === 'llava';
  const parts = (isWhole ? ['llava'] : ['vision', 'projector']).map(role => networkOf(file, golden, role));
  const whole = parts[0]!;
  const language = isWhole
    ? await goldenLlama(whole.config['text_config'], whole.weights, 'language_model.')
    : await goldenLlama(networkOf(file, golden, 'llm').config, networkOf(file, golden, 'llm').weights);
  const weights = Object.assign({}, ...parts.map(part => makeWeights(part.weights))) as Record<string, HostTensor>;
  const theirs = isWhole ? whole.config : { ...golden.config, vision_config: whole.config };
  const projector: LlavaOptions['projector'] = isWhole ? 'perceptron' : 'linear';
  const config = llavaConfigFrom(theirs, { origin: golden.name, languageWidth: language.width, projector });
  const rules = llavaRules(config, llavaNamesOf(Object.keys(weights), golden.name));
  const params = await makeParams(visualFrontEndSpec(config), rules, weights);
  return { language, config, params, placeholder: theirs['image_token_index'] as number };
}

/** The rows of the prompt with the pictures in their places: each row has as many as fill its placeholders. */
function placePictures(ids: HostTensor, images: readonly Float32Array[], placeholder: number, width: number) {
  const [rows, length] = ids.shape as [number, number];
  let taken = 0;
  return Array.from({ length: rows }, (_, row) => {
    const own = [...ids.data.subarray(row * length, (row + 1) * length)];
    const places = own.filter(id => id === placeholder).length;
    const count = Math.max(1, Math.floor((places * width) / images[0]!.length));
    taken += count;
    return placeImages(own, { placeholder, width, images: images.slice(taken - count, taken) });
  });
}

async function runCase(golden: GoldenCase, backend: GoldenBackend, file: GoldenFile) {
  const { language, config, params, placeholder } = await networksOf(file, golden);
  const pixels = makeInputs(golden.inputs, { pixel_values: ['pixels', 'float32'] });
  const states = await runProgram(backend, program(config), params, pixels);
  const ids = readTensor(golden.inputs['input_ids'], 'int32');
  const prompts = placePictures(ids, rowsOf(states['image_features']!), placeholder, language.width);
  const mask = golden.inputs['attention_mask'];
  const read = await readPrompts(backend, language, prompts, { ...(mask ? { mask: readTensor(mask, 'int32') } : {}) });
  const { greedy, ...expected } = golden.outputs;
  const results = compareOutputs({ ...golden, outputs: expected }, { ...states, ...read });
  if (greedy === undefined) return results;
  const maxTokens = golden.config['greedy_tokens'] as number;
  const tokens = await continuePrompts(backend, language, prompts, { maxTokens });
  return [...results, compareExact(`${golden.name} / greedy`, tokens.flat(), readValues(greedy).data)];
}

export const run = eachCase(runCase);
