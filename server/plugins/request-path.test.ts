import { expect, it } from 'vitest';
import { pathOf } from './request-path.ts';

it.each([
  ['/v1/jobs', '/v1/jobs'],
  ['/v1/jobs?limit=1', '/v1/jobs'],
  ['/v1/jobs#part', '/v1/jobs'],
  ['//v1///jobs//', '/v1/jobs/'],
  ['/v%31/jobs', '/v1/jobs'],
  ['/v1%2Fjobs', '/v1%2Fjobs'], // to the router too this is one segment
  ['http://127.0.0.1:7860/v1/jobs?a=b', '/v1/jobs'],
  ['/v1/%zz', '/v1/%zz'],
  ['', ''],
])('%s is %s', (url, path) => {
  expect(pathOf({ url })).toBe(path);
});
