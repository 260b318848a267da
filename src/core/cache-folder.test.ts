import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder } from './cache-folder.ts';

test('the cache is in DUET_CACHE, else in XDG_CACHE_HOME, else in the home folder', () => {
  expect(cacheFolder('graphs', { DUET_CACHE: '/a', XDG_CACHE_HOME: '/b' })).toBe(join('/a', 'graphs'));
  expect(cacheFolder('weights', { XDG_CACHE_HOME: '/b' })).toBe(join('/b', 'duet', 'weights'));
  expect(cacheFolder('graphs', {})).toMatch(/\.cache[\\/]duet[\\/]graphs$/);
});
