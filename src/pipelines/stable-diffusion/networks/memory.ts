/** How much memory a decoding takes, and whether there is that much: what decides about tiles. */
import { freemem } from 'node:os';
import { type AutoencoderConfig, downsamplingFactor } from '../../../autoencoder/index.ts';

const bytesPerValue = 4;
/**
 * Copies of the largest activation that are there at the same time: what a residual block is given, what it has made of it
 * so far, and what the next kernel writes. Four were measured at 512 x 512 (bench/README.md); one more is a reserve.
 */
const copies = 5;

/** Bytes that decoding a latent of `height` x `width` takes at its peak, beside the weights. */
export function decodingBytes(config: AutoencoderConfig, height: number, width: number): number {
  const { channels, channelMultipliers } = config;
  const pixels = height * width * downsamplingFactor(config) ** 2;
  // The first block at full resolution is given the features of the level below.
  const widest = channels * Math.max(...channelMultipliers.slice(0, 2));
  return copies * bytesPerValue * widest * pixels;
}

/** Bytes that this process may still take, as far as the system tells. */
export function availableBytes(): number {
  // Of containers with a limit; newer than the oldest Node that is supported.
  return (process as { availableMemory?: () => number }).availableMemory?.() ?? freemem();
}
