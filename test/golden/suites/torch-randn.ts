/** torch-randn.json: torch's CPU generator, a seed and draws carried out one after the other. */
import { createGenerator, type Extent } from '../../../src/sampler/index.ts';
import { compare, compareExact } from '../compare.ts';
import { eachCase } from '../harness.ts';
import { readValues } from '../tensors.ts';

export const file = 'torch-randn.json';

type Draw =
  | { readonly op: 'randn' | 'rand' | 'randn64' | 'rand64'; readonly n: Extent }
  | { readonly op: 'randint'; readonly low: number; readonly high: number; readonly n: Extent }
  | { readonly op: 'randperm'; readonly n: number };

export const run = eachCase(({ name, config, outputs, tolerance }) => {
  const { seed, ops } = config as unknown as { seed: number; ops: readonly Draw[] };
  const generator = createGenerator(seed);
  return ops.map((draw, index) => {
    const expected = (outputs['draws'] as readonly unknown[])[index];
    const label = `${name} / ${index} ${draw.op}`;
    switch (draw.op) {
      case 'randint':
        return compareExact(label, generator.randint(draw.low, draw.high, draw.n), readValues(expected, label).data);
      case 'randperm':
        return compareExact(label, generator.randperm(draw.n), readValues(expected, label).data);
      default:
        return compare(label, { data: generator[draw.op](draw.n) }, expected, tolerance);
    }
  });
});
