/** UniDiffuser's caption decoder under diffusers' names (the original file has `module.` in front of them). */
import { DuetError } from '../../core/errors.ts';
import type { CaptionDecoderConfig } from '../../lm/index.ts';
import { gpt2ConfigFrom, gpt2Rules, type HuggingFaceGpt2 } from './gpt2.ts';
import { linear, type NameRule, under } from './name-map.ts';

export interface DiffusersCaptionDecoder extends HuggingFaceGpt2 {
  readonly prefix_length: number;
  readonly prefix_inner_dim: number;
  /** null: no bottleneck. */
  readonly prefix_hidden_dim?: number | null;
}

/** Throws DuetError `invalid-config` for a decoder without bottleneck. */
export function captionDecoderConfigFrom(config: DiffusersCaptionDecoder): CaptionDecoderConfig {
  if (!config.prefix_hidden_dim) {
    throw new DuetError('invalid-config', 'Only caption decoders with a prefix_hidden_dim exist here, got none');
  }
  return {
    prefixLength: config.prefix_length,
    stateWidth: config.prefix_inner_dim,
    latentWidth: config.prefix_hidden_dim,
    gpt2: gpt2ConfigFrom(config),
  };
}

export function captionDecoderRules(config: CaptionDecoderConfig): NameRule[] {
  return [
    ...linear('encodePrefix', 'encode_prefix'),
    ...linear('decodePrefix', 'decode_prefix'),
    ...under('gpt2.', gpt2Rules(config.gpt2, 'transformer.transformer.')),
  ];
}
