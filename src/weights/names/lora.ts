/** Low-rank adaptations under the names of peft, as MiniGPT-5's second stage has them. */
import type { LlamaConfig } from '../../lm/index.ts';
import type { NameRule } from './name-map.ts';

/** Where the language model stands in MiniGPT-5's files. */
const miniGpt5Prefix = 'model.llama_model.base_model.model.model';

/** Rules for the adapted queries and values of every layer. */
export function loraRules({ layers }: Pick<LlamaConfig, 'layers'>, prefix = miniGpt5Prefix): NameRule[] {
  const matrices = { query: 'q_proj', value: 'v_proj' } as const;
  return Array.from({ length: layers }, (_, index) =>
    Object.entries(matrices).flatMap(([ours, theirs]): NameRule[] => {
      const name = `${prefix}.layers.${index}.self_attn.${theirs}`;
      return [
        { ours: `layers.${index}.${ours}.a`, theirs: `${name}.lora_A.default.weight` },
        { ours: `layers.${index}.${ours}.b`, theirs: `${name}.lora_B.default.weight` },
      ];
    }),
  ).flat();
}
