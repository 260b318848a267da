/** The EVA vision transformer under the names of its original code, and of transformers' BLIP-2. */
import type { VisualFrontEndConfig } from '../../vision/index.ts';
import { inTurn, linear, type NameRule, splitLinear, weightAndBias, withoutBatchAxis } from './name-map.ts';

type TowerConfig = VisualFrontEndConfig['tower'];

/** The arguments of the original network; absent ones have the sizes of ViT-g/14 without its last layer. */
export interface OriginalEva {
  readonly img_size?: number;
  readonly patch_size?: number;
  readonly embed_dim?: number;
  readonly depth?: number;
  readonly num_heads?: number;
  readonly mlp_ratio?: number;
}

export function evaTowerFrom(config: OriginalEva = {}): TowerConfig {
  const { embed_dim: width = 1408, depth: layers = 39 } = config;
  return {
    width,
    layers,
    heads: config.num_heads ?? 16,
    mlpWidth: Math.floor(width * (config.mlp_ratio ?? 4.3637)),
    activation: 'erf',
    epsilon: 1e-6,
    imageSize: config.img_size ?? 224,
    patchSize: config.patch_size ?? 14,
    channels: 3,
    patchBias: true,
    preNorm: false,
    biases: 'query-value',
    featureLayers: [layers],
    classToken: true,
  };
}

/** What the two libraries call the pieces. */
interface EvaNames {
  readonly classToken: string;
  readonly positions: string;
  readonly patches: string;
  readonly layers: string;
  readonly norms: readonly [string, string];
  readonly qkv: string;
  /** Absent where the biases of query, key and value are thirds of one, beside the fused matrix. */
  readonly biases?: Readonly<Record<'query' | 'value', string>>;
  readonly out: string;
}

const original: EvaNames = {
  classToken: 'cls_token',
  positions: 'pos_embed',
  patches: 'patch_embed.proj',
  layers: 'blocks',
  norms: ['norm1', 'norm2'],
  qkv: 'attn.qkv',
  biases: { query: 'attn.q_bias', value: 'attn.v_bias' },
  out: 'attn.proj',
};

const transformers: EvaNames = {
  classToken: 'embeddings.class_embedding',
  positions: 'embeddings.position_embedding',
  patches: 'embeddings.patch_embedding',
  layers: 'encoder.layers',
  norms: ['layer_norm1', 'layer_norm2'],
  qkv: 'self_attn.qkv',
  out: 'self_attn.projection',
};

/** Rules for eva_vit_g.pth. @param prefix `visual_encoder.` in files that hold other networks as well */
export function evaRules({ layers }: TowerConfig, prefix = ''): NameRule[] {
  return towerRules(layers, prefix, original);
}

/** Rules for the vision model of transformers' BLIP-2 and InstructBLIP. */
export function blip2TowerRules({ layers }: TowerConfig, prefix = 'vision_model.'): NameRule[] {
  return towerRules(layers, prefix, transformers);
}

function towerRules(layers: number, prefix: string, names: EvaNames): NameRule[] {
  return [
    {
      ours: 'classEmbedding',
      theirs: `${prefix}${names.classToken}`,
      transform: inTurn(withoutBatchAxis, withoutBatchAxis),
    },
    ...linear('patchEmbedding', `${prefix}${names.patches}`),
    { ours: 'positionEmbedding.weight', theirs: `${prefix}${names.positions}`, transform: withoutBatchAxis },
    ...Array.from({ length: layers }, (_, index) =>
      layerRules(`layers.${index}`, `${prefix}${names.layers}.${index}`, names),
    ).flat(),
  ];
}

function layerRules(ours: string, theirs: string, names: EvaNames): NameRule[] {
  const fused = `${theirs}.${names.qkv}`;
  const projections = ['query', 'key', 'value'].map(part => `${ours}.attention.${part}`);
  const parts = splitLinear(projections, {
    weight: `${fused}.weight`,
    bias: names.biases ? undefined : `${fused}.bias`,
  });
  const own = Object.entries(names.biases ?? {}).map(([part, name]) => ({
    ours: `${ours}.attention.${part}.bias`,
    theirs: `${theirs}.${name}`,
  }));
  return [
    ...weightAndBias(`${ours}.norm1`, `${theirs}.${names.norms[0]}`),
    ...parts,
    ...own,
    ...linear(`${ours}.attention.out`, `${theirs}.${names.out}`),
    ...weightAndBias(`${ours}.norm2`, `${theirs}.${names.norms[1]}`),
    ...linear(`${ours}.mlp.fc1`, `${theirs}.mlp.fc1`),
    ...linear(`${ours}.mlp.fc2`, `${theirs}.mlp.fc2`),
  ];
}
