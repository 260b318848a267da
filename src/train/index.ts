/** Training: stages from configurations, the loop that runs them, and what it leaves behind. */
import type { StageConfig } from './config.ts';
import type { Stage } from './loop.ts';
import { autoencoderStage } from './stages/autoencoder.ts';
import { captionDecoderStage } from './stages/caption-decoder.ts';
import { chatStage } from './stages/chat.ts';
import { clipStage } from './stages/clip.ts';
import type { StageContext } from './stages/context.ts';
import { fineTuneStage } from './stages/fine-tune.ts';
import { fineTuneCaptionsStage } from './stages/fine-tune-captions.ts';
import { fineTuneChatStage } from './stages/fine-tune-chat.ts';
import { fineTuneProjectionStage } from './stages/fine-tune-projection.ts';
import { jointStage } from './stages/joint.ts';
import { miniGpt5Stage } from './stages/minigpt5.ts';
import { unetStage } from './stages/unet.ts';

export { absolutePaths } from './absolute-paths.ts';
export { checkpointsFolder } from './checkpoint.ts';
export { parseStageConfig, type StageConfig } from './config.ts';
export { type Stage, type StepEvent, type TrainEvent, type TrainOptions, train } from './loop.ts';
export { appendMetrics, cutMetrics, readMetrics } from './metrics.ts';
export { samplesFolder, writeReport } from './report.ts';
export type { StageContext } from './stages/context.ts';
export { fineTuneConfig } from './stages/fine-tune.ts';

/** Everything that `train` needs for `config`: data opened, parts loaded, latents made. */
export function createStage(config: StageConfig, context: StageContext): Promise<Stage> {
  switch (config.stage) {
    case 'autoencoder':
      return autoencoderStage(config, context);
    case 'clip':
      return clipStage(config, context);
    case 'caption-decoder':
      return captionDecoderStage(config, context);
    case 'joint':
      return jointStage(config, context);
    case 'fine-tune':
      return fineTuneStage(config, context);
    case 'fine-tune-captions':
      return fineTuneCaptionsStage(config, context);
    case 'fine-tune-projection':
      return fineTuneProjectionStage(config, context);
    case 'unet':
      return unetStage(config, context);
    case 'chat':
      return chatStage(config, context);
    case 'fine-tune-chat':
      return fineTuneChatStage(config, context);
    case 'minigpt5':
      return miniGpt5Stage(config, context);
  }
}
