import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { loadBaseModel, modelFolder, saveTrainedModel } from './base-model.ts';

it('a trained model has its own name, and no threshold of familiarity that another model was measured with', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'duet-base-'));
  const model = tinyModel();
  const measured = { ...model, config: { ...model.config, familiarity: { timestep: 150, threshold: 14 } } };
  await saveTrainedModel(measured, folder, 'mine');
  const { config } = await loadBaseModel(join(folder, modelFolder));
  expect(config).toEqual({ ...model.config, name: 'mine' });
  await rm(folder, { recursive: true });
});
