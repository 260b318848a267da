/** What a U-Net looks at, made of a text. */
import { type ClipTextConfig, type ClipTextParams, clipText, type clipTextSpec } from '../../../clip/index.ts';
import type { TensorSource } from '../../../core/host-tensor.ts';
import { type CompileOptions, compile, type Executable } from '../../../engine/index.ts';
import type { Filled } from '../../../nn/params.ts';

/** `ids` int32 [B, L] of framed texts -> `states` [B, L, X] of CLIP's text tower, at all L positions. */
export function compileTextStates(
  config: ClipTextConfig,
  weights: Filled<ReturnType<typeof clipTextSpec>, TensorSource>,
  tokens: number,
  options: CompileOptions,
): Promise<Executable> {
  return compile<ClipTextParams, undefined>(
    ({ params, inputs }) => ({ outputs: { states: clipText(params, { ids: inputs['ids']! }, config) } }),
    { params: weights, inputs: { ids: { dtype: 'int32', shape: ['batch', tokens] } } },
    { ...options, name: 'text-states' },
  );
}
