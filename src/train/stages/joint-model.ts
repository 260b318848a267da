/** The joint stage's result as a model folder that `Duet.load` reads: all four networks and what ties them together. */
import { join } from 'node:path';
import { autoencoderSpec } from '../../autoencoder/index.ts';
import { clipSpec } from '../../clip/index.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import { captionDecoderSpec } from '../../lm/index.ts';
import type { ModelConfig } from '../../pipelines/unidiffuser/model-config.ts';
import { writeModelFolder } from '../../pipelines/unidiffuser/model-folder.ts';
import { uvitSpec } from '../../uvit/index.ts';
import type { JointStage } from '../config.ts';
import type { ChannelStatistics } from '../data/latents.ts';
import type { JointParts, LatentStatisticsTable } from './joint-parts.ts';
import { fill } from './part.ts';

/** Where a run keeps it. */
export const modelFolder = 'model';

/** Guidance and steps to begin with; evaluation chooses better ones. */
const sampling: ModelConfig['sampling'] = { steps: 20, guidance: { t2i: 3, i2t: 3, joint: 2 } };

/** Writes `out`/model. */
export async function writeJointModel(
  out: string,
  uvit: Readonly<Record<string, HostTensor>>,
  config: JointStage,
  parts: JointParts,
  statistics: LatentStatisticsTable,
): Promise<void> {
  const { autoencoder, clip, captionDecoder } = parts;
  const lists = ({ mean, std }: ChannelStatistics) => ({ mean: [...mean], std: [...std] });
  const model: ModelConfig = {
    format: 'duet-model-1',
    name: config.name,
    imageSize: config.data.size,
    textTokens: config.model.textTokens,
    autoencoder: autoencoder.config.model,
    clip: clip.config.model,
    captionDecoder: captionDecoder.config.model,
    uvit: config.model,
    diffusion: { prediction: config.prediction, schedule: { kind: 'cosine' } },
    latents: { image: lists(statistics.image), clip: lists(statistics.clip), text: lists(statistics.text) },
    sampling,
  };
  await writeModelFolder(join(out, modelFolder), {
    config: model,
    tokenizer: parts.tokenizerData,
    weights: {
      autoencoder: fill(autoencoderSpec(model.autoencoder), autoencoder.tensors),
      clip: fill(clipSpec(model.clip), clip.tensors),
      captionDecoder: fill(captionDecoderSpec(model.captionDecoder), captionDecoder.tensors),
      uvit: fill(uvitSpec(model.uvit), uvit),
    },
  });
}
