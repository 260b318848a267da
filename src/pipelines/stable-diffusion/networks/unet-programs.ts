/**
 * The U-Net for pictures of any size: one graph for all sizes that it halves evenly, and one for each other size, of which
 * the latest alone is kept.
 */
import type { TensorSource } from '../../../core/host-tensor.ts';
import { float32 } from '../../../core/host-tensor.ts';
import { stackRows, unstackRows } from '../../../core/rows.ts';
import { type CompileOptions, compile, type Executable, type RunOptions } from '../../../engine/index.ts';
import type { Filled } from '../../../nn/params.ts';
import { sinusoidalEmbedding } from '../../../nn/time-embedding.ts';
import { contextUnet, type UnetConfig, type UnetParams, unetReduction, type unetSpec } from '../../../unet/index.ts';
import { bySize, mostArea } from './by-size.ts';
import type { Evaluation } from './networks.ts';

/** Factor of w before it is embedded (Luo et al., arXiv 2310.04378, as diffusers does it). */
const guidanceScale = 1000;

export interface Unet {
  readonly config: UnetConfig;
  /** L, vectors of its context. */
  readonly contextTokens: number;
  readonly weights: Filled<ReturnType<typeof unetSpec>, TensorSource>;
}

export interface UnetPrograms {
  /** Predictions for evaluations of any sizes, in order. */
  predict(evaluations: readonly Evaluation[], options: RunOptions): Promise<Float32Array[]>;
  release(): Promise<void>;
}

export async function compileUnet(network: Unet, options: CompileOptions): Promise<UnetPrograms> {
  const reduction = unetReduction(network.config);
  const even = await compileAt(network, 'height', 'width', options);
  let odd: { readonly key: string; readonly executable: Executable } | undefined;
  const executableAt = async (height: number, width: number): Promise<Executable> => {
    if (height % reduction === 0 && width % reduction === 0) return even;
    const key = `${height}x${width}`;
    if (odd?.key === key) return odd.executable;
    const before = odd?.executable;
    odd = { key, executable: await compileAt(network, height, width, options) };
    await before?.release();
    return odd.executable;
  };
  return {
    predict: (rows, run) =>
      bySize(
        rows,
        ({ sample }) => sample,
        mostArea,
        async (evaluations, { height, width }) => {
          const executable = await executableAt(height, width);
          const { out } = await executable.run(inputsOf(evaluations, { height, width }, network), run);
          return unstackRows(out!);
        },
      ),
    release: async () => {
      await Promise.all([even.release(), odd?.executable.release()]);
    },
  };
}

function compileAt(
  { config, contextTokens, weights }: Unet,
  height: number | string,
  width: number | string,
  options: CompileOptions,
): Promise<Executable> {
  const reduction = unetReduction(config);
  return compile<UnetParams, undefined>(
    ({ params, inputs }) => {
      const { sample, time, context, guidance } = inputs;
      const own = {
        sample: sample!,
        time: time!,
        context: context!,
        guidance: guidance && embedded(guidance, config),
      };
      return { outputs: { out: contextUnet(params, own, config) } };
    },
    {
      params: weights,
      inputs: {
        sample: { dtype: 'float32', shape: ['batch', config.inChannels, height, width] },
        time: { dtype: 'float32', shape: ['batch'] },
        context: { dtype: 'float32', shape: ['batch', contextTokens, config.contextWidth ?? 0] },
        ...(config.guidanceWidth !== undefined && { guidance: { dtype: 'float32', shape: ['batch'] } as const }),
      },
      ...(typeof height === 'string' && {
        dimensions: { height: { multipleOf: reduction }, width: { multipleOf: reduction } },
      }),
    },
    { ...options, name: 'unet' },
  );
}

/** The program's inputs for evaluations of one size. */
function inputsOf(
  evaluations: readonly Evaluation[],
  { height, width }: { readonly height: number; readonly width: number },
  { config, contextTokens }: Unet,
) {
  const numbers = (read: (evaluation: Evaluation) => number) =>
    float32([evaluations.length], Float32Array.from(evaluations, read));
  return {
    sample: stackRows(
      evaluations.map(({ sample }) => sample.data),
      [config.inChannels, height, width],
    ),
    time: numbers(({ timestep }) => timestep),
    context: stackRows(
      evaluations.map(({ context }) => context),
      [contextTokens, config.contextWidth ?? 0],
    ),
    ...(config.guidanceWidth !== undefined && { guidance: numbers(({ guidance }) => guidance) }),
  };
}

/** The guidance scale [B] as distilled networks are told it: w = g - 1, sines first. */
function embedded(guidance: Parameters<typeof sinusoidalEmbedding>[0], { guidanceWidth = 0 }: UnetConfig) {
  return sinusoidalEmbedding(guidance.sub(1).mul(guidanceScale), guidanceWidth, {
    cosineFirst: false,
    frequencyShift: 1,
  });
}
