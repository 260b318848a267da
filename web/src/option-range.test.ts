import { expect, it } from 'vitest';
import { rangeOf } from './option-range.ts';

it.each([
  [
    'steps',
    { type: 'integer', minimum: 1, maximum: 200 },
    20,
    { lowest: 1, highest: 60, most: 200, step: 1, grain: 1 },
  ],
  ['guidance', { type: 'number', minimum: 0, maximum: 100 }, 3, { highest: 10, most: 100, step: 0.5, grain: null }],
  ['guidance of others', { type: 'number', minimum: 0, maximum: 100 }, 7.5, { highest: 23, step: 1 }],
  ['strength', { type: 'number', minimum: 0, maximum: 1 }, 1, { lowest: 0, highest: 1, most: 1, step: 0.05 }],
  ['width', { type: 'integer', minimum: 64, maximum: 2048, multipleOf: 8 }, 512, { highest: 1536, step: 8, grain: 8 }],
  ['no limits', { type: 'integer' }, undefined, { lowest: 0, highest: 10, step: 1 }],
] as const)('shows %s over its usual values', (_, schema, standard, range) => {
  expect(rangeOf(schema, standard)).toMatchObject(range);
});
