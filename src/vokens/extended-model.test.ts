import { expect, it } from 'vitest';
import { seededRandom } from '../core/random.ts';
import { compile } from '../engine/index.ts';
import { type LlamaConfig, llamaModel, llamaSpec } from '../lm/index.ts';
import { initialise } from '../nn/params.ts';
import { type ExtendedParams, extendedModel, meanRows, newRowsSpec } from './extended-model.ts';

const config: LlamaConfig = {
  vocabularySize: 7,
  positions: 16,
  width: 8,
  layers: 1,
  heads: 2,
  keyValueHeads: 2,
  headWidth: 4,
  mlpWidth: 8,
  activation: 'silu',
  epsilon: 1e-6,
  rope: { base: 10_000 },
  tied: true,
  attentionBias: false,
  mlpBias: false,
};

it.each(['reference', 'cpu'] as const)('new tokens have rows of their own beside a tied model (%s)', async device => {
  const random = seededRandom(1);
  const params = { base: initialise(llamaSpec(config), random), rows: initialise(newRowsSpec(3, 8), random) };
  const model = extendedModel(llamaModel(config), config.vocabularySize);
  const program = await compile<ExtendedParams<Parameters<ReturnType<typeof llamaModel>['embed']>[0]>, undefined>(
    ({ params: own, inputs }) => {
      const embeddings = model.embed(own, inputs['ids']!);
      return { outputs: { embeddings, logits: model.logits(own, embeddings) } };
    },
    { params, inputs: { ids: { dtype: 'int32', shape: [1, 4] } } },
    { device, threads: 1 },
  );
  const ids = [2, 7, 9, 6];
  const { embeddings, logits } = await program.run({
    ids: { dtype: 'int32', shape: [1, 4], data: Int32Array.from(ids) },
  });
  await program.release();
  const row = ({ data }: { readonly data: ArrayLike<number> }, at: number) =>
    Array.from(data).slice(at * 8, at * 8 + 8);
  const { tokenEmbedding } = params.base;
  const { embedding, head } = params.rows;
  const rows = ids.map(id => (id < 7 ? row(tokenEmbedding.weight, id) : row(embedding.weight, id - 7)));
  expect([0, 1, 2, 3].map(at => row(embeddings!, at))).toEqual(rows);
  expect(logits!.shape).toEqual([1, 4, 10]);
  const outputs = [
    ...[0, 1, 2, 3, 4, 5, 6].map(id => row(tokenEmbedding.weight, id)),
    ...[0, 1, 2].map(id => row(head.weight, id)),
  ];
  const expected = rows.flatMap(x => outputs.map(y => x.reduce((sum, value, i) => sum + value * y[i]!, 0)));
  for (const [at, value] of expected.entries()) expect(logits!.data[at]).toBeCloseTo(value, 6);
});

it('rows of new tokens begin as the mean of the others', () => {
  const { shape, data } = meanRows({ dtype: 'float32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 9) }, 2);
  expect(shape).toEqual([2, 2]);
  expect([...data]).toEqual([3, 5, 3, 5]);
});
