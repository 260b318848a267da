/** What other APIs call the fields of a native job. */

const namesOfFields: Readonly<Record<string, readonly string[]>> = {
  mode: ['task'],
  prompt: ['text', 'caption', 'description'],
  negative_prompt: ['negative'],
  image: ['init_image', 'init_images', 'input_image', 'input_images', 'images', 'image_url', 'source_image'],
  mask: ['mask_image', 'mask_url'],
  n: ['num_outputs', 'num_images', 'num_samples', 'n_samples', 'batch_size', 'n_iter'],
  seed: ['random_seed', 'noise_seed'],
  steps: ['num_inference_steps', 'num_steps', 'inference_steps', 'sampling_steps', 'ddim_steps'],
  guidance: ['guidance_scale', 'cfg_scale', 'cfg'],
  solver: ['scheduler', 'sampler', 'sampler_name'],
  noise_schedule: ['schedule_type', 'sigmas'],
  strength: ['prompt_strength', 'denoising_strength', 'image_strength'],
  frames: ['num_frames'],
};

const fieldsOfNames = new Map(
  Object.entries(namesOfFields).flatMap(([field, names]) => names.map(name => [name, field] as const)),
);

/** The field of a native job that `name` stands for elsewhere. */
export function nativeField(name: string): string | undefined {
  return fieldsOfNames.get(name);
}
