/** The Q-Former under the names of its original code (LAVIS, MiniGPT-4), and of transformers' BLIP-2 and InstructBLIP. */
import type { VisualFrontEndConfig } from '../../vision/index.ts';
import { linear, type NameRule, weightAndBias, withoutBatchAxis } from './name-map.ts';

type QFormerConfig = NonNullable<VisualFrontEndConfig['connector']['qFormer']>;

/** What libraries call the pieces. */
export interface QFormerNames {
  /** Of all names but the queries'. */
  readonly prefix: string;
  readonly queries: string;
  /** The norm before the first layer. */
  readonly norm: string;
  /** The three projections inside an attention. */
  readonly projections: string;
}

/** A file of the original code; BLIP-2's pretraining files hold words and a text branch as well, which a front end lacks. */
export const originalQFormer: QFormerNames = {
  prefix: 'Qformer.bert.',
  queries: 'query_tokens',
  norm: 'embeddings.LayerNorm',
  projections: 'self',
};

const transformers = { prefix: 'qformer.', queries: 'query_tokens', projections: 'attention' };
export const blip2QFormer: QFormerNames = { ...transformers, norm: 'layernorm' };
export const instructBlipQFormer: QFormerNames = { ...transformers, norm: 'embeddings.layernorm' };

export function qFormerRules({ layers }: QFormerConfig, names: QFormerNames): NameRule[] {
  const { prefix } = names;
  return [
    { ours: 'queries', theirs: names.queries, transform: withoutBatchAxis },
    { ours: 'tokenEmbedding.weight', theirs: `${prefix}embeddings.word_embeddings.weight` },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}embeddings.position_embeddings.weight` },
    ...weightAndBias('norm', `${prefix}${names.norm}`),
    ...Array.from({ length: layers }, (_, index) =>
      layerRules(`layers.${index}`, `${prefix}encoder.layer.${index}`, names.projections),
    ).flat(),
  ];
}

function layerRules(ours: string, theirs: string, projections: string): NameRule[] {
  const attention = (target: string, norm: string, source: string): NameRule[] => [
    ...['query', 'key', 'value'].flatMap(part => linear(`${target}.${part}`, `${source}.${projections}.${part}`)),
    ...linear(`${target}.out`, `${source}.output.dense`),
    ...weightAndBias(norm, `${source}.output.LayerNorm`),
  ];
  const perceptron = (target: string, norm: string, branch: string): NameRule[] => [
    ...linear(`${target}.fc1`, `${theirs}.intermediate${branch}.dense`),
    ...linear(`${target}.fc2`, `${theirs}.output${branch}.dense`),
    ...weightAndBias(norm, `${theirs}.output${branch}.LayerNorm`),
  ];
  return [
    ...attention(`${ours}.attention`, `${ours}.norm1`, `${theirs}.attention`),
    ...attention(`${ours}.cross.attention`, `${ours}.cross.norm`, `${theirs}.crossattention`),
    ...perceptron(`${ours}.mlp`, `${ours}.norm2`, '_query'),
    ...perceptron(`${ours}.text.mlp`, `${ours}.text.norm`, ''),
  ];
}
