/**
 * Drawing from contexts that another network makes. A context takes the place of the states [L, X] of the model's text tower:
 * L = `textTokens` vectors of the text tower's width X. None is masked, and they are guided as in all calls, by what is drawn
 * of no caption, so that the context without a condition is not looked at.
 */
import { callOptions } from '../../batching/batching-driver.ts';
import { DuetError } from '../../core/errors.ts';
import { Picture } from '../../image/index.ts';
import type { ContextDrawer } from '../context-drawer.ts';
import type { Contexts } from '../stable-diffusion/calls/draw.ts';
import type { DrawnSample, DrawOptions } from '../stable-diffusion/calls/types.ts';
import { defaultsOf, parseRequest } from './calls/requests.ts';
import type { ModelConfig } from './model-config.ts';
import type { Networks } from './networks/networks.ts';
import type { GroupStep } from './sampling/sample-latents.ts';
import { samplerOf } from './sampling/sampler-of.ts';

/** What draws captions in the model draws contexts. @param networks those of the model whose configuration is `config` */
export function contextDrawing(config: ModelConfig, networks: Networks): ContextDrawer {
  return {
    name: config.name,
    tokens: config.textTokens,
    width: config.clip.text.width,
    imageSize: config.imageSize,
    defaults: defaultsOf('t2i', config),
    draw: (contexts, options) => draw(config, networks, contexts, options),
  };
}

async function draw(
  config: ModelConfig,
  networks: Networks,
  { context }: Contexts,
  options: DrawOptions,
): Promise<DrawnSample[]> {
  checkSize(config, options);
  const { width: _width, height: _height, guidanceRescale: _rescale, ...own } = options;
  const { seeds, steps, guidance, solver, noiseSchedule, network } = parseRequest('t2i', own, config);
  const { onProgress, previewEvery = 0 } = options;
  const queue = callOptions(options);
  const [text] = network === 'unet' ? [context] : await networks.encodeStates([context], queue);
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
  const tasks = seeds.map(seed => ({ seed, given: { text: text! } }));
  const pass = { mode: 't2i', steps, guidance, solver, noiseSchedule, onStep, ...queue } as const;
  const samples: DrawnSample[] = [];
  for await (const { tasks: made, sampled } of samplerOf(network, config).groups(networks, tasks, pass)) {
    const images = await pictures(sampled.map(({ image }) => image!.z));
    samples.push(...made.map(({ seed }, index) => ({ seed, image: images[index]! })));
  }
  return samples;
}

/** @throws DuetError 'invalid-argument' for what Stable Diffusion does and this does not */
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
