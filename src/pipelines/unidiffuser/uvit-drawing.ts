/**
 * A U-ViT that draws from contexts: these take the place of the text tower's states [L, X], from which the bottleneck of the
 * caption decoder makes the text latents that the U-ViT is given. It is guided as in all its calls, by pictures of no text, so
 * that the context without a condition is not looked at.
 */
import { DuetError } from '../../core/errors.ts';
import { compile, type Executable } from '../../engine/index.ts';
import { Picture } from '../../image/index.ts';
import { type CaptionDecoderParams, encodePrefix } from '../../lm/index.ts';
import type { ContextDrawer } from '../context-drawer.ts';
import type { LoadOptions } from '../family.ts';
import type { Contexts } from '../stable-diffusion/calls/draw.ts';
import type { DrawnSample, DrawOptions } from '../stable-diffusion/calls/types.ts';
import { defaultsOf, parseRequest, solverOf } from './calls/requests.ts';
import type { ModelConfig } from './model-config.ts';
import type { Model } from './model-folder.ts';
import type { Networks } from './networks/networks.ts';
import { normaliseLatent } from './networks/normalise-latents.ts';
import { type GroupStep, sampleLatents } from './sampling/sample-latents.ts';

/** @param networks those of `model` */
export async function uvitDrawing(
  model: Model,
  networks: Networks,
  options: LoadOptions,
): Promise<{ readonly drawer: ContextDrawer; readonly encoder: Executable }> {
  const { config } = model;
  const encoder = await compileEncoder(model, options);
  const drawer: ContextDrawer = {
    name: config.name,
    tokens: config.textTokens,
    width: config.clip.text.width,
    imageSize: config.imageSize,
    defaults: defaultsOf('t2i', config),
    draw: (contexts, given) => draw({ config, networks, encoder }, contexts, given),
  };
  return { drawer, encoder };
}

/** `states` [1, L, X] -> text latent `y` [1, L, d], not normalised. */
function compileEncoder({ config, weights }: Model, { maxBatch, ...options }: LoadOptions): Promise<Executable> {
  return compile<Pick<CaptionDecoderParams, 'encodePrefix'>, undefined>(
    ({ params, inputs }) => ({ outputs: { y: encodePrefix(params, inputs['states']!) } }),
    {
      params: { encodePrefix: weights.captionDecoder.encodePrefix },
      inputs: { states: { dtype: 'float32', shape: [1, config.textTokens, config.clip.text.width] } },
    },
    { ...options, precision: 'fp32', name: 'encode-context' },
  );
}

interface Parts {
  readonly config: ModelConfig;
  readonly networks: Networks;
  readonly encoder: Executable;
}

async function draw(
  { config, networks, encoder }: Parts,
  { context }: Contexts,
  options: DrawOptions,
): Promise<DrawnSample[]> {
  checkSize(config, options);
  const { width: _width, height: _height, guidanceRescale: _rescale, ...own } = options;
  const { seeds, steps, guidance, ...request } = parseRequest('t2i', own, config);
  const { signal, onProgress, previewEvery = 0, priority } = options;
  const queue = { ...(signal && { signal }), ...(priority !== undefined && { priority }) };
  const states = { dtype: 'float32', shape: [1, config.textTokens, config.clip.text.width], data: context } as const;
  const { y } = await encoder.run({ states }, { ...(signal && { signal }) });
  const text = normaliseLatent(y!.data as Float32Array, config.latents.text, 1);
  const pictures = async (z: readonly Float32Array[]) =>
    (await networks.decodeImages(z, queue)).map(pixels => new Picture(pixels));
  const onStep = async ({ step, total, first, denoised }: GroupStep): Promise<void> => {
    onProgress?.({ type: 'step-progress', step, total });
    if (previewEvery === 0 || step % previewEvery !== 0) return;
    const z = denoised.flatMap(sample => (sample?.image ? [sample.image.z] : []));
    const indices = z.map((_, index) => first + index);
    onProgress?.({
      type: 'image-preview',
      step,
      seeds: indices.map(index => seeds[index]!),
      indices,
      images: await pictures(z),
    });
  };
  const sampled = await sampleLatents(
    networks,
    config.diffusion,
    seeds.map(seed => ({ seed, given: { text } })),
    { mode: 't2i', steps, guidance, solver: solverOf(request, config.diffusion), onStep, ...queue },
  );
  const images = await pictures(sampled.map(({ image }) => image!.z));
  return seeds.map((seed, index) => ({ seed, image: images[index]! }));
}

/** @throws DuetError 'invalid-argument' for what a U-ViT does not do */
function checkSize(
  { name, imageSize }: ModelConfig,
  { width, height, guidanceRescale }: Pick<DrawOptions, 'width' | 'height' | 'guidanceRescale'>,
): void {
  for (const [field, value] of Object.entries({ width, height })) {
    if (value === undefined || value === imageSize) continue;
    throw new DuetError('invalid-argument', `The model ${name} draws pictures of ${imageSize} pixels, got ${value}`, {
      field,
    });
  }
  if (!guidanceRescale) return;
  throw new DuetError(
    'invalid-argument',
    `The model ${name} does not rescale its guidance; leave guidanceRescale out`,
    {
      field: 'guidanceRescale',
    },
  );
}
