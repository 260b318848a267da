import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tinyModel } from '../../../test/support/tiny-model.ts';
import { tinyModelWithUnet } from '../../../test/support/tiny-unet.ts';
import { loadBaseModel, modelFolder, saveTrainedModel, withoutUnet } from './base-model.ts';

it('a trained model has its own name, and no threshold of familiarity that another model was measured with', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'duet-base-'));
  const model = tinyModel();
  const measured = { ...model, config: { ...model.config, familiarity: { timestep: 150, threshold: 14 } } };
  await saveTrainedModel(measured, folder, 'mine');
  const { config } = await loadBaseModel(join(folder, modelFolder));
  expect(config).toEqual({ ...model.config, name: 'mine' });
  await rm(folder, { recursive: true });
});

it('a model with a U-Net keeps it, or goes on without it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'duet-base-'));
  const model = tinyModelWithUnet();
  await saveTrainedModel(model, folder, 'both');
  const read = await loadBaseModel(join(folder, modelFolder));
  expect(read).toEqual({ ...model, config: { ...model.config, name: 'both' } });
  await saveTrainedModel(withoutUnet(read), folder, 'one');
  const { config, weights } = await loadBaseModel(join(folder, modelFolder));
  expect(config).not.toHaveProperty('unet');
  expect(weights).toEqual(tinyModel().weights);
  await rm(folder, { recursive: true });
});
