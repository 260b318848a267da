/** BLIP-2 with OPT and InstructBLIP with Llama: image states, queries, vectors, logits and greedy answers. */
import type { HostTensor } from '../../../src/core/host-tensor.ts';
import type { Program } from '../../../src/engine/types.ts';
import { type OptParams, opt, optModel, optSpec, placeImages } from '../../../src/lm/index.ts';
import {
  type VisualFrontEndConfig,
  type VisualFrontEndParams,
  visualFrontEndSpec,
  visualStates,
} from '../../../src/vision/index.ts';
import { blip2ConfigFrom, blip2Rules } from '../../../src/weights/names/blip2.ts';
import { optConfigFrom, optRules } from '../../../src/weights/names/opt.ts';
import { compareExact } from '../compare.ts';
import { goldenLlama } from '../golden-llama.ts';
import { compareOutputs, eachCase, type GoldenBackend, type GoldenNetwork, networkOf, runProgram } from '../harness.ts';
import type { GoldenModel } from '../language-model.ts';
import { makeInputs, readTensor, readValues, toTensor } from '../tensors.ts';
import { continuePrompts, type PromptOptions, readPrompts } from '../visual-prompt.ts';
import { makeParams, makeWeights } from '../weights.ts';

export const file = ['blip2.json', 'instructblip.json'];

const inputNames = {
  pixel_values: ['pixels', 'float32'],
  qformer_input_ids: ['ids', 'int32'],
  qformer_attention_mask: ['mask', 'float32'],
} as const;

const program =
  (config: VisualFrontEndConfig): Program<VisualFrontEndParams, undefined> =>
  ({ params, inputs }) => {
    const { pixels, ids, mask } = inputs;
    const instruction = ids && { ids, mask };
    const { features, queries, vectors } = visualStates(params, { pixels: pixels!, instruction }, config);
    return { outputs: { vision_features: features, qformer: queries!, language_inputs: vectors } };
  };

const languagePrefix = 'language_model.';

async function goldenOpt({ config, weights }: GoldenNetwork): Promise<GoldenModel<OptParams>> {
  const ours = optConfigFrom(config['text_config'], 'golden');
  return {
    model: optModel(ours),
    params: await makeParams(optSpec(ours), optRules(ours, languagePrefix), makeWeights(weights)),
    forward: (params, inputs) => opt(params, inputs, ours),
    width: ours.embeddingWidth ?? ours.width,
    positions: ours.positions,
  };
}

/** OPT counts visible tokens; hidden ones are at -1. */
function optPositions({ shape, data }: HostTensor): HostTensor {
  const length = shape[1]!;
  const places = Array.from(data, (visible, at) => {
    const row = Array.from(data.subarray(at - (at % length), at + 1));
    return visible ? row.reduce((sum, seen) => sum + seen) - 1 : -1;
  });
  return toTensor({ shape, data: places }, 'int32');
}

interface LanguageInputs {
  readonly ids: HostTensor;
  readonly vectors: HostTensor;
  readonly placeholder: number;
  readonly options: PromptOptions;
  readonly maxTokens: number | undefined;
}

async function runLanguage<P>(backend: GoldenBackend, network: GoldenModel<P>, inputs: LanguageInputs) {
  const { ids, vectors, placeholder, options, maxTokens } = inputs;
  const [rows, length] = ids.shape as [number, number];
  // transformers puts the values of all vectors in their places one after the other, whatever their width.
  const size = vectors.shape[1]! * network.width;
  const prompts = Array.from({ length: rows }, (_, row) =>
    placeImages([...ids.data.subarray(row * length, (row + 1) * length)], {
      placeholder,
      images: [Float32Array.from(vectors.data.subarray(row * size, (row + 1) * size))],
      width: network.width,
    }),
  );
  const outputs = await readPrompts(backend, network, prompts, options);
  const tokens = maxTokens === undefined ? [] : await continuePrompts(backend, network, prompts, { maxTokens });
  return { outputs, tokens: tokens.flat() };
}

export const run = eachCase(async (golden, backend, file) => {
  const network = networkOf(file, golden, 'model');
  const text = network.config['text_config'] as { readonly model_type?: string };
  const ofOpt = text.model_type === 'opt' ? await goldenOpt(network) : undefined;
  const ofLlama = ofOpt ? undefined : await goldenLlama(text, network.weights, languagePrefix);

  const options = {
    origin: golden.name,
    languageWidth: ofOpt ? optConfigFrom(text, 'golden').width : ofLlama!.width,
    instructed: golden.inputs['qformer_input_ids'] !== undefined,
  };
  const config = blip2ConfigFrom(network.config, options);
  const params = await makeParams(visualFrontEndSpec(config), blip2Rules(config), makeWeights(network.weights));
  const states = await runProgram(backend, program(config), params, makeInputs(golden.inputs, inputNames));

  const given = golden.inputs['attention_mask'];
  const mask = given === undefined ? undefined : readTensor(given, 'int32');
  const inputs: LanguageInputs = {
    ids: readTensor(golden.inputs['input_ids'], 'int32'),
    vectors: states['language_inputs']!,
    placeholder: network.config['image_token_index'] as number,
    options: { ...(mask && { mask }), ...(mask && ofOpt && { positions: optPositions(mask) }) },
    maxTokens: golden.config['greedy_tokens'] as number | undefined,
  };
  const { outputs, tokens } = ofOpt
    ? await runLanguage(backend, ofOpt, inputs)
    : await runLanguage(backend, ofLlama!, inputs);

  const { greedy, ...expected } = golden.outputs;
  const results = compareOutputs({ ...golden, outputs: expected }, { ...states, ...outputs });
  return greedy === undefined
    ? results
    : [...results, compareExact(`${golden.name} / greedy`, tokens, readValues(greedy).data)];
});
