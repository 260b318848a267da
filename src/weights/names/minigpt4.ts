/**
 * MiniGPT-4's visual front end, which MiniGPT-5 uses too. Its parts are published in three files: eva_vit_g.pth,
 * blip2_pretrained_flant5xxl.pth (Q-Former, queries, norm) and MiniGPT-4's own (projection).
 */
import type { VisualFrontEndConfig } from '../../vision/index.ts';
import { evaRules, evaTowerFrom, type OriginalEva } from './eva.ts';
import { linear, type NameRule, under, weightAndBias } from './name-map.ts';
import { originalQFormer, qFormerRules } from './q-former.ts';

/** Absent sizes are the published ones. */
export interface OriginalMiniGpt4 {
  readonly vit?: OriginalEva;
  readonly qformer?: {
    readonly hidden_size?: number;
    readonly num_hidden_layers?: number;
    readonly num_attention_heads?: number;
    readonly intermediate_size?: number;
    readonly cross_attention_freq?: number;
    readonly num_query_tokens?: number;
  };
  /** 4096 with Vicuna 7B, 5120 with 13B. */
  readonly llm_width: number;
}

export function miniGpt4ConfigFrom({ vit, qformer = {}, llm_width: width }: OriginalMiniGpt4): VisualFrontEndConfig {
  return {
    tower: evaTowerFrom(vit),
    connector: {
      normEpsilon: 1e-5,
      qFormer: {
        width: qformer.hidden_size ?? 768,
        layers: qformer.num_hidden_layers ?? 12,
        heads: qformer.num_attention_heads ?? 12,
        mlpWidth: qformer.intermediate_size ?? 3072,
        activation: 'erf',
        epsilon: 1e-12,
        queries: qformer.num_query_tokens ?? 32,
        crossEvery: qformer.cross_attention_freq ?? 2,
      },
      projection: { width, bias: true },
    },
  };
}

/** Rules for the three files taken together, with the tower's names as inside the model. */
export function miniGpt4Rules({ tower, connector }: VisualFrontEndConfig): NameRule[] {
  return [
    ...under('tower.', evaRules(tower, 'visual_encoder.')),
    ...under('connector.', miniGpt4ConnectorRules(connector)),
  ];
}

export function miniGpt4ConnectorRules({ qFormer }: VisualFrontEndConfig['connector']): NameRule[] {
  return [
    ...weightAndBias('norm', 'ln_vision'),
    ...(qFormer ? under('qFormer.', qFormerRules(qFormer, originalQFormer)) : []),
    ...linear('projection.fc1', 'llama_proj'),
  ];
}
