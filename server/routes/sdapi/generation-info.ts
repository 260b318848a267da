/** What A1111's answers tell about their pictures, in `info`. */
import { samplerLabels } from '../../../src/image/index.ts';
import { stepsOf } from '../../jobs/requests.ts';
import type { ImageToImageBody } from '../../schemas/sdapi.ts';
import type { ModelInfo } from '../../types.ts';
import type { FamiliarityFields } from '../compat/familiarity.ts';
import { drawnSize, formatSize, type Size } from '../compat/picture-size.ts';
import type { DrawnSample } from '../compat/run-job.ts';
import { type SeededJob, samplerOf } from './generation-request.ts';
import { timestamp } from './timestamp.ts';

interface Generation {
  readonly body: ImageToImageBody;
  readonly job: SeededJob;
  readonly model: ModelInfo;
  readonly size: Size;
  /** Of the answer's pictures. */
  readonly enlarged: Size;
  readonly samples: readonly DrawnSample[];
  /** Of the picture that was given. */
  readonly seen: FamiliarityFields;
  readonly infotexts: readonly string[];
  /** Milliseconds since 1970. */
  readonly created: number;
}

export function infoOf({ body, job, model, size, enlarged, samples, seen, infotexts, created }: Generation): object {
  const { prompt = '', negative_prompt: negative = '' } = body;
  return {
    prompt,
    all_prompts: samples.map(() => prompt),
    negative_prompt: negative,
    all_negative_prompts: samples.map(() => negative),
    seed: job.seed,
    all_seeds: samples.map(sample => sample.seed),
    subseed: job.seed,
    all_subseeds: samples.map(sample => sample.seed),
    subseed_strength: 0,
    width: size.width,
    height: size.height,
    sampler_name: samplerLabels[job.solver ?? 'dpm-multistep'],
    cfg_scale: job.guidance ?? model.defaults[job.mode]?.guidance,
    steps: stepsOf(job, model),
    batch_size: body.batch_size ?? 1,
    restore_faces: false,
    face_restoration_model: null,
    sd_model_name: model.id,
    sd_model_hash: '',
    sd_vae_name: null,
    sd_vae_hash: null,
    seed_resize_from_w: -1,
    seed_resize_from_h: -1,
    denoising_strength: body.denoising_strength ?? null,
    extra_generation_params: {
      'Duet mode': job.mode,
      'Native size': formatSize(drawnSize(job, model)),
      ...samplerOf(body).replaced,
      ...(enlarged !== size && { 'Hires resize': formatSize(enlarged), 'Hires upscaler': 'Lanczos' }),
      ...(seen.familiarity !== undefined && { 'Familiarity (dB)': seen.familiarity, 'Is familiar': seen.is_familiar }),
    },
    index_of_first_image: 0,
    infotexts,
    styles: [],
    job_timestamp: timestamp(created),
    clip_skip: 1,
    is_using_inpainting_conditioning: false,
  };
}
