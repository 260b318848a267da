/** Runs searches over a language model's cache on a golden backend. */
import type { HostTensor } from '../../src/core/host-tensor.ts';
import { compile, type Sources } from '../../src/engine/index.ts';
import {
  type CachedProgramsOptions,
  cachedNextLogits,
  cachedPrograms,
  cachedRows,
  type Decoding,
  runDecodings,
  unstack,
} from '../../src/lm/index.ts';
import type { GoldenBackend } from './harness.ts';

/** One search per row of `prefix`, all together; `prefixLength` is the number of positions that a prefix takes. */
export async function decodeCached<P, R>(
  backend: GoldenBackend,
  searches: readonly Decoding<R>[],
  params: Sources<P>,
  prefix: HostTensor,
  prefixLength: number,
  options: CachedProgramsOptions<P>,
): Promise<R[]> {
  const programs = cachedPrograms(options);
  const compileOptions = { device: backend, name: 'golden', threads: 1 } as const;
  const prefixSpec = { dtype: prefix.dtype, shape: ['batch', ...prefix.shape.slice(1)] } as const;
  const prefill = await compile(programs.prefill, { params, inputs: { prefix: prefixSpec } }, compileOptions);
  const step = await compile(programs.step, { params, inputs: programs.stepInputs }, compileOptions);
  try {
    const run = {
      prefill: (inputs: Readonly<Record<string, HostTensor>>) => prefill.run(inputs),
      step: (inputs: Readonly<Record<string, HostTensor>>) => step.run(inputs),
    };
    return await runDecodings(searches, cachedNextLogits(cachedRows(run), unstack(prefix), prefixLength));
  } finally {
    await prefill.release();
    await step.release();
  }
}
