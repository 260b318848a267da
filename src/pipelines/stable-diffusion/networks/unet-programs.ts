/**
 * The U-Net for pictures of any size: one graph for all sizes that it halves evenly, and one for each other size, of which
 * the latest alone is kept.
 */
import { type CompileOptions, compile, type Executable } from '../../../engine/index.ts';
import { sinusoidalEmbedding } from '../../../nn/time-embedding.ts';
import { type UnetConfig, type UnetParams, unet, unetReduction } from '../../../unet/index.ts';
import type { Model } from '../model-folder.ts';

/** Factor of w before it is embedded (Luo et al., arXiv 2310.04378, as diffusers does it). */
const guidanceScale = 1000;

export interface UnetPrograms {
  /** The program for latents of `height` x `width`. */
  at(height: number, width: number): Promise<Executable>;
  release(): Promise<void>;
}

export async function compileUnet(
  { config: { unet: config }, textTokens, weights }: Pick<Model, 'config' | 'textTokens' | 'weights'>,
  options: CompileOptions,
): Promise<UnetPrograms> {
  const reduction = unetReduction(config);
  const compiled = (height: number | string, width: number | string): Promise<Executable> =>
    compile<UnetParams, undefined>(
      ({ params, inputs }) => {
        const { sample, time, context, guidance } = inputs;
        const own = {
          sample: sample!,
          time: time!,
          context: context!,
          guidance: guidance && embedded(guidance, config),
        };
        return { outputs: { out: unet(params, own, config) } };
      },
      {
        params: weights.unet,
        inputs: {
          sample: { dtype: 'float32', shape: ['batch', config.inChannels, height, width] },
          time: { dtype: 'float32', shape: ['batch'] },
          context: { dtype: 'float32', shape: ['batch', textTokens, config.contextWidth ?? 0] },
          ...(config.guidanceWidth !== undefined && { guidance: { dtype: 'float32', shape: ['batch'] } as const }),
        },
        ...(typeof height === 'string' && {
          dimensions: { height: { multipleOf: reduction }, width: { multipleOf: reduction } },
        }),
      },
      { ...options, name: 'unet' },
    );
  const even = await compiled('height', 'width');
  let odd: { readonly key: string; readonly executable: Executable } | undefined;
  return {
    at: async (height, width) => {
      if (height % reduction === 0 && width % reduction === 0) return even;
      const key = `${height}x${width}`;
      if (odd?.key === key) return odd.executable;
      const before = odd?.executable;
      odd = { key, executable: await compiled(height, width) };
      await before?.release();
      return odd.executable;
    },
    release: async () => {
      await Promise.all([even.release(), odd?.executable.release()]);
    },
  };
}

/** The guidance scale [B] as distilled networks are told it: w = g - 1, sines first. */
function embedded(guidance: Parameters<typeof sinusoidalEmbedding>[0], { guidanceWidth = 0 }: UnetConfig) {
  return sinusoidalEmbedding(guidance.sub(1).mul(guidanceScale), guidanceWidth, {
    cosineFirst: false,
    frequencyShift: 1,
  });
}
