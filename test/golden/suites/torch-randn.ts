/** torch-randn.json: torch's CPU generator, a seed and draws carried out one after the other. */
import { createGenerator, type Extent } from '../../../src/sampler/index.ts';
import { type CaseResult, compare, compareExact, type GoldenFile, type LiteralTensor } from '../harness.ts';

export const file = 'torch-randn.json';

type Draw =
  | { readonly op: 'randn' | 'rand' | 'randn64' | 'rand64'; readonly n: Extent }
  | { readonly op: 'randint'; readonly low: number; readonly high: number; readonly n: Extent }
  | { readonly op: 'randperm'; readonly n: number };

export async function run(golden: GoldenFile): Promise<CaseResult[]> {
  return golden.cases.flatMap(({ name, config, outputs, tolerance }) => {
    const { seed, ops } = config as unknown as { seed: number; ops: readonly Draw[] };
    const generator = createGenerator(seed);
    return ops.map((draw, index) => {
      const expected = (outputs['draws'] as readonly LiteralTensor[])[index]!;
      const label = `${name} / ${index} ${draw.op}`;
      if (draw.op === 'randint')
        return compareExact(label, generator.randint(draw.low, draw.high, draw.n), expected.data);
      if (draw.op === 'randperm') return compareExact(label, generator.randperm(draw.n), expected.data);
      return compare(label, { data: generator[draw.op](draw.n) }, expected, tolerance);
    });
  });
}
