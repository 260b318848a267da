/** A trained network as later stages use it: the folder of its run, with averaged parameters and its configuration. */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import { loadSafetensors } from '../../weights/safetensors.ts';
import { parseStageConfig, type StageConfig } from '../config.ts';

export interface TrainedNetwork<K extends StageConfig['stage']> {
  readonly config: Extract<StageConfig, { stage: K }>;
  readonly tensors: Readonly<Record<string, HostTensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The result of the run in `folder`.
 * @throws DuetError `model-not-found` if there is none, `invalid-config` if it is of another stage
 */
export async function loadTrainedNetwork<K extends StageConfig['stage']>(
  folder: string,
  stage: K,
): Promise<TrainedNetwork<K>> {
  const file = join(folder, 'model.safetensors');
  const { metadata, tensors } = await loadSafetensors(file).catch(error => {
    throw new DuetError('model-not-found', `${file} cannot be read; train stage "${stage}" first`, { cause: error });
  });
  const config = parseStageConfig(JSON.parse(metadata['config'] ?? '{}'), file);
  if (config.stage !== stage) {
    throw new DuetError('invalid-config', `${file} is of stage "${config.stage}"; stage "${stage}" is needed`);
  }
  return { config: config as TrainedNetwork<K>['config'], tensors, metadata };
}
