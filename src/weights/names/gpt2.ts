/** GPT-2 under Hugging Face's names (spec clip-gpt2-llama, 2.3). Conv1D weights are [in, out] as ours; q, k, v are fused. */
import type { Gpt2Config } from '../../lm/index.ts';
import { activationOf } from './clip.ts';
import { lastAxisPart, type NameRule } from './name-map.ts';

export interface ForeignGpt2 {
  readonly vocab_size: number;
  readonly n_positions: number;
  readonly n_embd: number;
  readonly n_layer: number;
  readonly n_head: number;
  /** null: 4 n_embd. */
  readonly n_inner?: number | null;
  readonly activation_function: string;
  readonly layer_norm_epsilon: number;
}

export function gpt2ConfigFrom(config: ForeignGpt2): Gpt2Config {
  return {
    vocabularySize: config.vocab_size,
    positions: config.n_positions,
    width: config.n_embd,
    layers: config.n_layer,
    heads: config.n_head,
    mlpWidth: config.n_inner ?? 4 * config.n_embd,
    activation: activationOf(config.activation_function),
    epsilon: config.layer_norm_epsilon,
  };
}

const same = (ours: string, theirs: string): NameRule[] => [
  { ours: `${ours}.weight`, theirs: `${theirs}.weight` },
  { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
];

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
      ...same(`${ours}.norm1`, `${theirs}.ln_1`),
      ...fused,
      ...same(`${ours}.attention.out`, `${theirs}.attn.c_proj`),
      ...same(`${ours}.norm2`, `${theirs}.ln_2`),
      ...same(`${ours}.mlp.fc1`, `${theirs}.mlp.c_fc`),
      ...same(`${ours}.mlp.fc2`, `${theirs}.mlp.c_proj`),
    ];
  });
  return [
    { ours: 'tokenEmbedding.weight', theirs: `${prefix}wte.weight` },
    { ours: 'positionEmbedding.weight', theirs: `${prefix}wpe.weight` },
    ...layers.flat(),
    ...same('finalNorm', `${prefix}ln_f`),
  ];
}
