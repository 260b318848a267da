/** What MiniGPT-5's training leaves as it is: eyes, the text encoder and autoencoder of what draws, and all frozen parameters. */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import type { CompileOptions } from '../../engine/index.ts';
import type { ChatFolder } from '../../pipelines/chat/chat-folder.ts';
import { createEyes, type Eyes } from '../../pipelines/chat/eyes.ts';
import { indexFile, isFile, readDiffusersFolder } from '../../pipelines/diffusers-folder.ts';
import { parseStableDiffusion } from '../../pipelines/stable-diffusion/model-config.ts';
import { type Model, readModel } from '../../pipelines/stable-diffusion/model-folder.ts';
import { CompiledNetworks } from '../../pipelines/stable-diffusion/networks/compiled-networks.ts';
import { pipelineScheduler } from '../../pipelines/stable-diffusion/scheduler.ts';
import type { PredictionType, Schedule } from '../../sampler/index.ts';

export interface FrozenDrawing {
  readonly model: Model;
  readonly networks: CompiledNetworks;
  readonly schedule: Schedule;
  readonly prediction: PredictionType;
}

export interface FrozenParts {
  readonly drawing: FrozenDrawing;
  /** Absent in models that are given no pictures. */
  readonly eyes?: Eyes;
  release(): Promise<void>;
}

/** @throws DuetError 'invalid-config' unless the folder draws with Stable Diffusion */
export async function loadFrozenParts(
  { name, frontEnd, drawing }: ChatFolder,
  engine: CompileOptions,
  signal: AbortSignal | undefined,
): Promise<FrozenParts> {
  if (!drawing || !(await isFile(join(drawing.folder, indexFile)))) {
    throw new DuetError(
      'invalid-config',
      `${name} does not draw with a folder of Stable Diffusion; the stage chat trains models that draw otherwise`,
    );
  }
  const config = parseStableDiffusion(await readDiffusersFolder(drawing.folder), drawing.folder);
  const model = await readModel(drawing.folder, config, { signal });
  const networks = await CompiledNetworks.create(model, engine);
  const eyes = frontEnd && (await createEyes(frontEnd, engine));
  const { schedule, prediction } = pipelineScheduler(config.scheduler, 't2i', drawing.folder);
  return {
    drawing: { model, networks, schedule, prediction },
    ...(eyes && { eyes }),
    release: async () => {
      await Promise.all([networks.release(), eyes?.release()]);
    },
  };
}
