import { describe, expect, it } from 'vitest';
import { flattenTree } from '../../core/tree.ts';
import { isParamSpec } from '../../nn/params.ts';
import { type VisualFrontEndConfig, visualFrontEndSpec } from '../../vision/index.ts';
import { blip2ConfigFrom, blip2Rules } from './blip2.ts';
import { llavaConfigFrom, llavaNamesOf, llavaRules } from './llava.ts';
import { miniGpt4ConfigFrom, miniGpt4Rules } from './minigpt4.ts';

const llava = { origin: 'config.json', languageWidth: 4096 };
const blip2 = { ...llava, instructed: false };

describe('rules of visual front ends', () => {
  const names = llavaNamesOf(
    ['a.embeddings.patch_embedding.weight', 'mm_projector.0.weight', 'mm_projector.2.weight'],
    'x',
  );
  const [simple, mini] = [llavaConfigFrom({}, llava), miniGpt4ConfigFrom({ llm_width: 8 })];
  const [plain, instructed] = [false, true].map(instructed => blip2ConfigFrom({}, { ...blip2, instructed })) as [
    VisualFrontEndConfig,
    VisualFrontEndConfig,
  ];
  it.each([
    { model: 'LLaVA', config: simple, rules: llavaRules(simple, names) },
    { model: 'MiniGPT-4', config: mini, rules: miniGpt4Rules(mini) },
    { model: 'BLIP-2', config: plain, rules: blip2Rules(plain) },
    { model: 'InstructBLIP', config: instructed, rules: blip2Rules(instructed) },
  ])('say where every parameter of $model comes from', ({ config, rules }) => {
    const known = new Set(rules.map(({ ours }) => ours));
    const needed = Object.keys(flattenTree(visualFrontEndSpec(config), isParamSpec));
    expect(needed.filter(name => !known.has(name))).toEqual([]);
  });
});

describe('llavaConfigFrom', () => {
  it('takes the layer before the last without class token, as the published models do', () => {
    const { tower, connector } = llavaConfigFrom({}, llava);
    expect(tower).toMatchObject({ layers: 23, featureLayers: [23], classToken: false, imageSize: 336, width: 1024 });
    expect(connector.projection).toEqual({ width: 4096, bias: true, activation: 'erf' });
  });
  it('takes several layers, none beyond them, and one linear layer', () => {
    const file = { vision_feature_layer: [-2, 3], vision_feature_select_strategy: 'full', vision_config: {} };
    const { tower, connector } = llavaConfigFrom(file, { ...llava, projector: 'linear' });
    expect(tower).toMatchObject({ layers: 11, featureLayers: [11, 3], classToken: true });
    expect(connector.projection).toEqual({ width: 4096, bias: true });
  });
  it.each([
    [{ vision_feature_layer: 13, vision_config: {} }, /vision_feature_layer must be from -13 to 12, got 13/],
    [{ vision_feature_layer: -14, vision_config: {} }, /got -14/],
    [{ vision_feature_layer: [] }, /config.json: vision_feature_layer/],
    [{ vision_feature_select_strategy: 'cls' }, /must be default or full, got "cls"/],
    [{ projector_hidden_act: 'constructor' }, /projector_hidden_act must be one of silu, .* got constructor/],
    [{ vision_config: { hidden_act: 'toString' } }, /Activation "toString" is not one of/],
    [{ vision_config: { model_type: 'siglip_vision_model' } }, /must be clip_vision_model, got "siglip_vision_model"/],
    [{ vision_config: { hidden_size: '16' } }, /vision_config/],
    [null, /config.json: the file/],
  ])('refuses %j', (file, message) => {
    expect(() => llavaConfigFrom(file, llava)).toThrow(message);
  });
});

describe('llavaNamesOf', () => {
  const tower = 'embeddings.patch_embedding.weight';
  it.each([
    ['the hub', 'vision_tower.vision_model.', 'multi_modal_projector.', ['linear_1', 'linear_2']],
    ['transformers 5', 'vision_tower.', 'multi_modal_projector.', ['linear_1', 'linear_2']],
    ['models in memory', 'model.vision_tower.vision_model.', 'model.multi_modal_projector.', ['linear_1', 'linear_2']],
    ['the original 1.5', 'vision_model.', 'model.mm_projector.', ['0', '2']],
    ['the original 1.0', 'vision_model.', 'model.', ['mm_projector']],
  ])('knows the names of %s', (_, prefix, projector, layers) => {
    const expected = layers.map(layer => `${projector}${layer}`);
    const names = [`${prefix}${tower}`, ...expected.map(name => `${name}.weight`), 'lm_head.weight'];
    expect(llavaNamesOf(names, 'x')).toEqual({ tower: prefix, projector: expected });
  });
  it('says what it misses', () => {
    const all = ['down.linear_1.weight', 'down.linear_2.weight'];
    expect(() => llavaNamesOf(all, 'a.safetensors')).toThrow(/a.safetensors has no tower .* and no projector/);
  });
});

describe('blip2ConfigFrom', () => {
  it.each([
    [{ qformer_config: { encoder_hidden_size: 768 } }, /must be vision_config.hidden_size 1408, got 768/],
    [{ qformer_config: { hidden_act: 'mish' } }, /qformer_config.hidden_act must be one of .* got mish/],
    [{ qformer_config: { use_qformer_text_input: true } }, /models for retrieval/],
    [{ num_query_tokens: 0 }, /num_query_tokens/],
  ])('refuses %j', (file, message) => {
    expect(() => blip2ConfigFrom(file, blip2)).toThrow(message);
  });
});
