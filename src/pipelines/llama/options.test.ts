import { expect, it } from 'vitest';
import { usedOptions } from './options.ts';

it('a top k of 0 takes all tokens, whatever the model does by itself', () => {
  const model = { defaults: { temperature: 1, topK: 50 }, stopIds: [], room: 10 };
  const topKOf = (options: object) => usedOptions({ seed: 1, ...options }, model).choice.topK;
  expect([topKOf({}), topKOf({ topK: 7 }), topKOf({ topK: 0 })]).toEqual([50, 7, undefined]);
});
