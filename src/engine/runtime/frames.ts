/**
 * Frames of the channel between processes. A frame is a prefix of 16 bytes (mark, length of the header, length of the
 * payload), a header in JSON and the payload: the tensors' bytes one after the other, each at a multiple of 4. Measured
 * against `serialization: 'advanced'` of node:child_process, which clones every tensor: a third of the time a round trip.
 */
import type { Writable } from 'node:stream';
import { type DType, type HostTensor, sizeOf } from '../../core/host-tensor.ts';
import type { Tensors } from './protocol.ts';

const prefixBytes = 16;
const mark = 0x31465544; // "DUF1"
const alignment = 4;

interface TensorHeader {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** The pieces of one frame, in order. Tensors' data are not copied: they must not change before the frame is written. */
export function encodeFrame(header: object, tensors: Tensors = {}): Uint8Array[] {
  const entries = Object.entries(tensors);
  const described: TensorHeader[] = entries.map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const json = Buffer.from(JSON.stringify({ header, tensors: described }));
  const payload: Uint8Array[] = [];
  let payloadBytes = 0;
  for (const [, { data }] of entries) {
    payload.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const padding = -data.byteLength & (alignment - 1);
    if (padding > 0) payload.push(new Uint8Array(padding));
    payloadBytes += data.byteLength + padding;
  }
  const start = Buffer.alloc(prefixBytes + json.length);
  start.writeUInt32LE(mark, 0);
  start.writeUInt32LE(json.length, 4);
  start.writeDoubleLE(payloadBytes, 8);
  json.copy(start, prefixBytes);
  return [start, ...payload];
}

/** Writes one frame in one go. Tensors' data must not change before it is written. */
export function writeFrame(channel: Writable, header: object, tensors: Tensors = {}): void {
  channel.cork();
  for (const piece of encodeFrame(header, tensors)) channel.write(piece);
  channel.uncork();
}

/** Puts frames together again from chunks of any size; a frame's tensors share one buffer of their own. */
export class FrameReader<Header> {
  readonly #onFrame: (header: Header, tensors: Record<string, HostTensor>) => void;
  #target = new Uint8Array(prefixBytes);
  #filled = 0;
  #part: 'prefix' | 'header' | 'payload' = 'prefix';
  #payloadBytes = 0;
  #frame: { readonly header: Header; readonly tensors: readonly TensorHeader[] } | undefined;

  constructor(onFrame: (header: Header, tensors: Record<string, HostTensor>) => void) {
    this.#onFrame = onFrame;
  }

  push(chunk: Uint8Array): void {
    let start = 0;
    while (start < chunk.length || this.#filled === this.#target.length) {
      const taken = Math.min(chunk.length - start, this.#target.length - this.#filled);
      this.#target.set(chunk.subarray(start, start + taken), this.#filled);
      this.#filled += taken;
      start += taken;
      if (this.#filled < this.#target.length) return;
      this.#partComplete();
    }
  }

  #partComplete(): void {
    const bytes = Buffer.from(this.#target.buffer);
    switch (this.#part) {
      case 'prefix':
        if (bytes.readUInt32LE(0) !== mark) throw new Error('The channel of the inference process carries no frame');
        this.#payloadBytes = bytes.readDoubleLE(8);
        this.#expect('header', bytes.readUInt32LE(4));
        break;
      case 'header':
        this.#frame = JSON.parse(bytes.toString());
        this.#expect('payload', this.#payloadBytes);
        break;
      case 'payload': {
        const { header, tensors } = this.#frame!;
        const buffer = this.#target.buffer;
        this.#expect('prefix', prefixBytes);
        this.#onFrame(header, tensorsIn(buffer, tensors));
      }
    }
  }

  #expect(part: 'prefix' | 'header' | 'payload', length: number): void {
    this.#part = part;
    this.#target = new Uint8Array(length);
    this.#filled = 0;
  }
}

function tensorsIn(buffer: ArrayBuffer, described: readonly TensorHeader[]): Record<string, HostTensor> {
  const tensors: Record<string, HostTensor> = {};
  let offset = 0;
  for (const { name, dtype, shape } of described) {
    const data = new arrays[dtype](buffer, offset, sizeOf(shape));
    tensors[name] = { dtype, shape, data };
    offset += data.byteLength + (-data.byteLength & (alignment - 1));
  }
  return tensors;
}
