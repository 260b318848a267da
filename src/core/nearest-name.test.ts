import { expect, test } from 'vitest';
import { nearestName } from './nearest-name.ts';

const names = ['canonicalShare', 'max-running', 'port', 'lr'];

test.each([
  ['canonicalshare', 'canonicalShare'],
  ['MAX_RUNNING', 'max-running'],
  ['maxRuning', 'max-running'],
  ['prot', 'port'],
  ['canonicalShape', 'canonicalShare'],
  ['windows', undefined],
  ['concurrency', undefined],
])('%s: %s', (given, nearest) => {
  expect(nearestName(given, names)).toBe(nearest);
});
