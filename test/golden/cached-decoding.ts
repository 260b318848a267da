/** Runs searches over a language model's sequences on a golden backend. */
import type { HostTensor } from '../../src/core/host-tensor.ts';
import type { Sources } from '../../src/engine/index.ts';
import { type Decoding, type DecodingProgramsOptions, decodeCached, decodingPrograms } from '../../src/lm/index.ts';
import { CompiledDecoder } from '../../src/pipelines/compiled-decoder.ts';
import type { GoldenBackend } from './harness.ts';

export interface CachedSearches<P, R> {
  /** One for each row of the prefix. */
  readonly searches: readonly Decoding<R>[];
  readonly params: Sources<P>;
  /** [B, L, ...] */
  readonly prefix: HostTensor;
  readonly positions: number;
}

/** The results of all searches, which run at the same time. */
export async function searchCached<P, M, R>(
  backend: GoldenBackend,
  { searches, params, prefix, positions }: CachedSearches<P, R>,
  options: DecodingProgramsOptions<P, M>,
): Promise<R[]> {
  const [count = 0, length = 0, ...rest] = prefix.shape;
  const shape = [length, ...rest] as const;
  const decoder = await CompiledDecoder.create(
    decodingPrograms(options),
    { params, prefix: { dtype: prefix.dtype, shape }, positions },
    { device: backend, name: 'golden', threads: 1 },
  );
  const size = prefix.data.length / count;
  try {
    return await Promise.all(
      searches.map((search, row) => {
        const data = prefix.data.subarray(row * size, (row + 1) * size);
        return decodeCached(search, { dtype: prefix.dtype, shape, data }, decoder.sequences());
      }),
    );
  } finally {
    await decoder.release();
  }
}
