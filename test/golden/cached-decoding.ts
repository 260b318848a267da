/** Runs searches over a language model's sequences on a golden backend. */
import type { Sources } from '../../src/engine/index.ts';
import {
  type Decoding,
  type DecodingOptions,
  decodeCached,
  decodingProgram,
  type Extension,
} from '../../src/lm/index.ts';
import { CompiledDecoder } from '../../src/pipelines/compiled-decoder.ts';
import type { GoldenBackend } from './harness.ts';

export interface CachedSearches<P, R> {
  readonly searches: readonly { readonly search: Decoding<R>; readonly prompt: Extension }[];
  readonly params: Sources<P>;
  readonly positions: number;
}

/** The results of all searches, which run at the same time. */
export async function searchCached<P, M, R>(
  backend: GoldenBackend,
  { searches, params, positions }: CachedSearches<P, R>,
  options: DecodingOptions<P, M>,
): Promise<R[]> {
  const decoder = await CompiledDecoder.create(
    decodingProgram(options),
    { params, positions },
    { device: backend, name: 'golden', threads: 1 },
  );
  try {
    return await Promise.all(searches.map(({ search, prompt }) => decodeCached(search, prompt, decoder.sequences())));
  } finally {
    await decoder.release();
  }
}
