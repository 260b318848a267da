/** GPT-2 under the names of transformers' GPT2Model. Conv1D weights are [in, out] as ours; q, k, v are fused. */
import { DuetError } from '../../core/errors.ts';
import type { Gpt2Config } from '../../lm/index.ts';
import { activationOf } from './clip.ts';
import { lastAxisPart, type NameRule, weightAndBias } from './name-map.ts';

/** A GPT-2 config.json; absent fields have transformers' defaults. */
export interface HuggingFaceGpt2 {
  readonly vocab_size?: number;
  readonly n_positions?: number;
  readonly n_embd?: number;
  readonly n_layer?: number;
  readonly n_head?: number;
  /** null: 4 n_embd. */
  readonly n_inner?: number | null;
  readonly activation_function?: string;
  readonly layer_norm_epsilon?: number;
  readonly scale_attn_weights?: boolean;
  readonly scale_attn_by_inverse_layer_idx?: boolean;
  readonly tie_word_embeddings?: boolean;
}

/** Throws DuetError `invalid-config` for the options that no published GPT-2 uses and that are not built. */
export function gpt2ConfigFrom(config: HuggingFaceGpt2): Gpt2Config {
  const { n_embd: width = 768, n_inner: mlpWidth } = config;
  const { scale_attn_weights: scaled = true, scale_attn_by_inverse_layer_idx: byLayer = false } = config;
  const { tie_word_embeddings: tied = true } = config;
  if (!scaled || byLayer || !tied) {
    throw new DuetError(
      'invalid-config',
      'Only GPT-2 with scale_attn_weights true, scale_attn_by_inverse_layer_idx false and tie_word_embeddings true exists' +
        ` here, got ${scaled}, ${byLayer}, ${tied}`,
    );
  }
  return {
    vocabularySize: config.vocab_size ?? 50_257,
    positions: config.n_positions ?? 1024,
    width,
    layers: config.n_layer ?? 12,
    heads: config.n_head ?? 12,
    mlpWidth: mlpWidth ?? 4 * width,
    activation: activationOf(config.activation_function ?? 'gelu_new'),
    epsilon: config.layer_norm_epsilon ?? 1e-5,
  };
}

/** @param prefix `transformer.` in files saved from the LM class, none in the hub's original files */
export function gpt2Rules(config: Gpt2Config, prefix = 'transformer.'): NameRule[] {
  const layers = Array.from({ length: config.layers }, (_, index) => {
    const [ours, theirs] = [`layers.${index}`, `${prefix}h.${index}`];
    const fused = ['query', 'key', 'value'].flatMap((part, place) =>
      ['weight', 'bias'].map(kind => ({
        ours: `${ours}.attention.${part}.${kind}`,
        theirs: `${theirs}.attn.c_attn.${kind}`,
        transform: lastAxisPart(place, 3),
      })),
    );
    return [
      ...weightAndBias(`${ours}.norm1`, `${theirs}.ln_1`),
      ...fused,
      ...weightAndBias(`${ours}.attention.out`, `${theirs}.attn.c_proj`),
      ...weightAndBias(`${ours}.norm2`, `${theirs}.ln_2`),
      ...weightAndBias(`${ours}.mlp.fc1`, `${theirs}.mlp.c_fc`),
      ...weightAndBias(`${ours}.mlp.fc2`, `${theirs}.mlp.c_proj`),
    ];
  });
  return [
    { ours: 'tokenEmbedding.weight', theirs: `${prefix}wte.weight` },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}wpe.weight` },
    ...layers.flat(),
    ...weightAndBias('finalNorm', `${prefix}ln_f`),
  ];
}
