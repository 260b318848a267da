/** UniDiffuser's caption decoder under diffusers' names (the original file has `module.` in front of them). */
import type { CaptionDecoderConfig } from '../../lm/index.ts';
import { type ForeignGpt2, gpt2ConfigFrom, gpt2Rules } from './gpt2.ts';
import { type NameRule, transposeLinear } from './name-map.ts';

export interface ForeignCaptionDecoder extends ForeignGpt2 {
  readonly prefix_length: number;
  readonly prefix_inner_dim: number;
  readonly prefix_hidden_dim: number;
}

export function captionDecoderConfigFrom(config: ForeignCaptionDecoder): CaptionDecoderConfig {
  return {
    prefixLength: config.prefix_length,
    stateWidth: config.prefix_inner_dim,
    latentWidth: config.prefix_hidden_dim,
    gpt2: gpt2ConfigFrom(config),
  };
}

export function captionDecoderRules(config: CaptionDecoderConfig): NameRule[] {
  const linear = (ours: string, theirs: string): NameRule[] => [
    { ours: `${ours}.weight`, theirs: `${theirs}.weight`, transform: transposeLinear },
    { ours: `${ours}.bias`, theirs: `${theirs}.bias` },
  ];
  const language = gpt2Rules(config.gpt2, 'transformer.transformer.');
  return [
    ...linear('encodePrefix', 'encode_prefix'),
    ...linear('decodePrefix', 'decode_prefix'),
    ...language.map(rule => ({ ...rule, ours: `gpt2.${rule.ours}` })),
  ];
}
