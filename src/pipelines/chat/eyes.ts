/** What sees pictures as vectors among a language model's embeddings, compiled for a device. */
import { DuetError } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import { type CompileOptions, compile, type Executable, type RunOptions } from '../../engine/index.ts';
import type { Pixels } from '../../image/index.ts';
import type { PromptEncoder } from '../../tokenizer/index.ts';
import { type VisualFrontEndConfig, type VisualFrontEndParams, visualFrontEnd } from '../../vision/index.ts';
import { visualInput } from '../visual-input.ts';
import type { FrontEnd } from './chat-folder.ts';

/** Pictures in one network call. More are hardly faster, and their attention needs memory. */
const picturesAtOnce = 8;

export interface Eyes {
  /**
   * Each picture as vectors among the language model's embeddings, [N, W].
   * @throws DuetError 'invalid-argument' if the text is longer than the front end reads
   */
  readonly see: (pictures: readonly Pixels[], options?: SeeOptions) => Promise<readonly Float32Array[]>;
  release(): Promise<void>;
}

export interface SeeOptions extends RunOptions {
  /** What the pictures are looked at for, where the front end reads instructions. @default '' */
  readonly text?: string;
}

export async function createEyes(frontEnd: FrontEnd, options: CompileOptions): Promise<Eyes> {
  const { network, input, instruction } = frontEnd;
  const { imageSize: side, channels } = network.tower;
  const eyes = await compileEyes(frontEnd, options);
  const size = channels * side * side;

  async function look(pictures: readonly Pixels[], ids: Int32Array | undefined, run: RunOptions) {
    const count = pictures.length;
    const data = new Float32Array(count * size);
    for (const [at, picture] of pictures.entries()) data.set(visualInput(picture, side, input), at * size);
    const pixels: HostTensor = { dtype: 'float32', shape: [count, channels, side, side], data };
    const { vectors } = await eyes.run({ pixels, ...(ids && { ids: repeated(ids, count) }) }, run);
    const seen = vectors!.data as Float32Array;
    const each = seen.length / count;
    return pictures.map((_, at) => seen.subarray(at * each, (at + 1) * each));
  }

  return {
    see: async (pictures, { text = '', ...run } = {}) => {
      const ids = instruction && (await instructionIds(instruction, text, network, run));
      const seen: Float32Array[] = [];
      for (let at = 0; at < pictures.length; at += picturesAtOnce) {
        seen.push(...(await look(pictures.slice(at, at + picturesAtOnce), ids, run)));
      }
      return seen;
    },
    release: async () => {
      await Promise.all([eyes.release(), instruction?.release()]);
    },
  };
}

function compileEyes({ network, params, instruction }: FrontEnd, options: CompileOptions): Promise<Executable> {
  const { imageSize, channels } = network.tower;
  return compile<VisualFrontEndParams, undefined>(
    ({ params: own, inputs: { pixels, ids } }) => ({
      outputs: { vectors: visualFrontEnd(own, { pixels: pixels!, ...(ids && { instruction: { ids } }) }, network) },
    }),
    {
      params,
      inputs: {
        pixels: { dtype: 'float32', shape: ['batch', channels, imageSize, imageSize] },
        ...(instruction && { ids: { dtype: 'int32', shape: ['batch', 'length'] } as const }),
      },
      ...(instruction && { dimensions: { length: { max: longestInstruction(network) } } }),
    },
    { ...options, name: 'visual-front-end' },
  );
}

/** Tokens of an instruction; 0 where the Q-Former reads none. */
function longestInstruction({ connector }: VisualFrontEndConfig): number {
  return connector.qFormer?.text?.positions ?? 0;
}

async function instructionIds(
  prompts: PromptEncoder,
  text: string,
  network: VisualFrontEndConfig,
  { signal }: RunOptions,
): Promise<Int32Array> {
  const ids = await prompts.encode(text, { signal });
  const most = longestInstruction(network);
  if (ids.length <= most) return Int32Array.from(ids);
  throw new DuetError(
    'invalid-argument',
    `What is asked takes ${ids.length} tokens of the Q-Former, which reads ${most}: make it shorter`,
    { field: 'messages' },
  );
}

/** The row [N] as [count, N]. */
function repeated(row: Int32Array, count: number): HostTensor {
  const data = new Int32Array(count * row.length);
  for (let at = 0; at < count; at++) data.set(row, at * row.length);
  return { dtype: 'int32', shape: [count, row.length], data };
}
