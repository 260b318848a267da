import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { absolutePaths } from './absolute-paths.ts';

it('makes every path absolute, and leaves names of embedded models and all else', async () => {
  const config = { name: 'x', data: { source: 'folder', size: 64, path: '.' }, from: 'emoji', steps: 3 };
  expect(await absolutePaths(config)).toEqual({ ...config, data: { ...config.data, path: resolve('.') } });
  const joint = {
    parts: { clip: 'runs/clip', autoencoder: '/runs/autoencoder' },
    data: { source: 'scenes', size: 64 },
  };
  expect(await absolutePaths(joint)).toEqual({
    ...joint,
    parts: { clip: resolve('runs/clip'), autoencoder: '/runs/autoencoder' },
  });
  expect(await absolutePaths({ from: 'models/emoji' })).toEqual({ from: resolve('models/emoji') });
  expect(await absolutePaths({ from: 'no/such/model' })).toEqual({ from: 'no/such/model' });
});
