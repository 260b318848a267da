/** MiniGPT-5's feature mapper under its original names: a Sequential and a Transformer of torch. */
import type { VokenMapperConfig } from '../../vokens/index.ts';
import { linear, type NameRule, splitLinear, weightAndBias, withoutBatchAxis } from './name-map.ts';

/** Absent sizes are the published ones, for Vicuna 7B and Stable Diffusion 2.1. */
export interface OriginalVokenMapper {
  readonly llm_width?: number;
  readonly d_model?: number;
  readonly nhead?: number;
  readonly num_encoder_layers?: number;
  readonly num_decoder_layers?: number;
  readonly num_queries?: number;
}

export function vokenMapperConfigFrom(theirs: OriginalVokenMapper): VokenMapperConfig {
  return {
    inputWidth: theirs.llm_width ?? 4096,
    width: theirs.d_model ?? 1024,
    heads: theirs.nhead ?? 8,
    encoderLayers: theirs.num_encoder_layers ?? 4,
    decoderLayers: theirs.num_decoder_layers ?? 4,
    queries: theirs.num_queries ?? 77,
  };
}

export function vokenMapperRules({ encoderLayers, decoderLayers }: VokenMapperConfig): NameRule[] {
  const torch = 'llm_to_t2i_mapping';
  const layers = (part: 'encoder' | 'decoder', count: number) =>
    Array.from({ length: count }, (_, index) => layerRules(part, index, `${torch}.${part}.layers.${index}`)).flat();
  return [
    ...linear('projection.fc1', 'fc.0'),
    ...linear('projection.fc2', 'fc.2'),
    { ours: 'queries', theirs: 't2i_decoder_prompt', transform: withoutBatchAxis },
    ...layers('encoder', encoderLayers),
    ...weightAndBias('encoder.norm', `${torch}.encoder.norm`),
    ...layers('decoder', decoderLayers),
    ...weightAndBias('decoder.norm', `${torch}.decoder.norm`),
  ];
}

function layerRules(part: 'encoder' | 'decoder', index: number, theirs: string): NameRule[] {
  const ours = `${part}.layers.${index}`;
  const cross = [
    ...attentionRules(`${ours}.cross.attention`, `${theirs}.multihead_attn`),
    ...weightAndBias(`${ours}.cross.norm`, `${theirs}.norm2`),
  ];
  return [
    ...attentionRules(`${ours}.attention`, `${theirs}.self_attn`),
    ...weightAndBias(`${ours}.norm1`, `${theirs}.norm1`),
    ...(part === 'decoder' ? cross : []),
    ...linear(`${ours}.mlp.fc1`, `${theirs}.linear1`),
    ...linear(`${ours}.mlp.fc2`, `${theirs}.linear2`),
    ...weightAndBias(`${ours}.norm2`, `${theirs}.${part === 'decoder' ? 'norm3' : 'norm2'}`),
  ];
}

/** torch keeps the projections of queries, keys and values one below the other. */
function attentionRules(ours: string, theirs: string): NameRule[] {
  const projections = ['query', 'key', 'value'].map(name => `${ours}.${name}`);
  const fused = { weight: `${theirs}.in_proj_weight`, bias: `${theirs}.in_proj_bias` };
  return [...splitLinear(projections, fused), ...linear(`${ours}.out`, `${theirs}.out_proj`)];
}
