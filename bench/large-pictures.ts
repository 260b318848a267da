/**
 * Memory of large pictures: the peak resident size of the inference process for decodings, and for calls of the U-Net, with
 * networks of Stable Diffusion 1.5's size and random weights. Linux alone tells a peak. Each measurement has a process of its
 * own, since a peak never falls.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type AutoencoderParams, autoencoderSpec, decode } from '../src/autoencoder/index.ts';
import { type HostTensor, sizeOf } from '../src/core/host-tensor.ts';
import { seededRandom } from '../src/core/random.ts';
import type { Tree } from '../src/core/tree.ts';
import { compile, type Executable } from '../src/engine/index.ts';
import { type Filled, initialise, type ParamSpec } from '../src/nn/params.ts';
import { inference } from '../src/pipelines/index.ts';
import { decodeTiled } from '../src/pipelines/stable-diffusion/networks/tiled-decoding.ts';
import { type UnetParams, unet, unetSpec } from '../src/unet/index.ts';
import { unetConfigFromDiffusers } from '../src/weights/names/unet.ts';
import { stableDiffusionAutoencoder } from '../test/support/stable-diffusion.ts';

const mebibyte = 2 ** 20;

export async function run(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      network: { type: 'string', default: 'decoder' },
      side: { type: 'string', default: '512' },
      tile: { type: 'string' },
    },
  });
  const side = Number(values.side) / 8;
  const measured = values.network === 'unet' ? await evaluate(side) : await decodeOnce(side, values.tile);
  console.log(`${values.network} ${values.side} ${values.tile ? `tiles of ${values.tile}` : 'whole'}: ${measured}`);
}

async function decodeOnce(side: number, tile: string | undefined): Promise<string> {
  const executable = await compile<AutoencoderParams, undefined>(
    ({ params, inputs }) => ({ outputs: { pixels: decode(params, inputs['z']!, stableDiffusionAutoencoder) } }),
    {
      params: randomParams(autoencoderSpec(stableDiffusionAutoencoder)),
      inputs: { z: { dtype: 'float32', shape: ['batch', 4, 'height', 'width'] } },
    },
    { name: 'decode-image' },
  );
  const decodePart = async (data: Float32Array, height: number, width: number) =>
    (await executable.run({ z: { dtype: 'float32', shape: [1, 4, height, width], data } }))['pixels']!;
  return measure(
    executable,
    () => decodePart(noise([4, 8, 8]), 8, 8),
    async () => {
      const data = noise([4, side, side]);
      if (tile === undefined) return decodePart(data, side, side);
      const sizes = { tile: Number(tile) / 8, overlap: Number(tile) / 32 };
      return decodeTiled({ data, height: side, width: side }, 4, sizes, part =>
        decodePart(part.data, part.height, part.width),
      );
    },
  );
}

async function evaluate(side: number): Promise<string> {
  const config = unetConfigFromDiffusers({ cross_attention_dim: 768 });
  const executable = await compile<UnetParams, undefined>(
    ({ params, inputs }) => {
      const { sample, time, context } = inputs;
      return { outputs: { out: unet(params, { sample: sample!, time: time!, context }, config) } };
    },
    {
      params: randomParams(unetSpec(config)),
      inputs: {
        sample: { dtype: 'float32', shape: ['batch', 4, 'height', 'width'] },
        time: { dtype: 'float32', shape: ['batch'] },
        context: { dtype: 'float32', shape: ['batch', 77, 768] },
      },
      dimensions: { height: { multipleOf: 8 }, width: { multipleOf: 8 } },
    },
    { name: 'unet' },
  );
  const once = (size: number) =>
    executable.run({
      sample: { dtype: 'float32', shape: [1, 4, size, size], data: noise([4, size, size]) },
      time: { dtype: 'float32', shape: [1], data: Float32Array.of(500) },
      context: { dtype: 'float32', shape: [1, 77, 768], data: noise([77, 768]) },
    });
  return measure(
    executable,
    () => once(8),
    () => once(side),
  );
}

/** What `work` adds to the peak that is there after `warm`, which loads the weights, and how long it takes. */
async function measure(
  executable: Executable,
  warm: () => Promise<unknown>,
  work: () => Promise<unknown>,
): Promise<string> {
  await warm();
  const before = await peakBytes();
  const started = performance.now();
  await work();
  const seconds = (performance.now() - started) / 1000;
  const after = await peakBytes();
  await executable.release();
  const inMebibytes = (bytes: number) => `${Math.round(bytes / mebibyte)} MiB`;
  return `peak ${inMebibytes(after)}, of which ${inMebibytes(after - before)} for the picture; ${seconds.toFixed(1)} s`;
}

async function peakBytes(): Promise<number> {
  const status = await readFile(`/proc/${inference.status().pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) * 1024;
}

function randomParams<S extends Tree<ParamSpec>>(spec: S): Filled<S, HostTensor> {
  return initialise(spec, seededRandom(1));
}

function noise(shape: readonly number[]): Float32Array {
  const random = seededRandom(2);
  return Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1);
}
