/** The image processor of a folder of transformers, CLIP's or BLIP's: how pictures become what the tower reads. */
import { join } from 'node:path';
import Type from 'typebox';
import { DuetError } from '../../core/errors.ts';
import { readOptionalJsonFile } from '../../core/json-file.ts';
import { readFields } from '../../weights/names/config-file.ts';
import { clipColours, type VisualInputRules } from '../visual-input.ts';

const side = Type.Integer({ minimum: 1 });
const colour = Type.Tuple([Type.Number(), Type.Number(), Type.Number()]);
const square = Type.Object({ height: side, width: side });

const processorSchema = Type.Object({
  /** A number in files of before 2023. */
  size: Type.Optional(Type.Union([side, square, Type.Object({ shortest_edge: side })])),
  crop_size: Type.Optional(Type.Union([side, square])),
  do_resize: Type.Optional(Type.Boolean()),
  do_center_crop: Type.Optional(Type.Boolean()),
  do_normalize: Type.Optional(Type.Boolean()),
  do_rescale: Type.Optional(Type.Boolean()),
  rescale_factor: Type.Optional(Type.Number()),
  do_pad: Type.Optional(Type.Boolean()),
  resample: Type.Optional(Type.Integer()),
  image_mean: Type.Optional(colour),
  image_std: Type.Optional(colour),
});

/** Pillow's numbers of filters. */
const filters: Readonly<Record<number, VisualInputRules['filter']>> = { 1: 'lanczos', 2: 'bilinear', 3: 'bicubic' };

/** From transformers 5 on it is a part of processor_config.json. */
const partSchema = Type.Object({ image_processor: Type.Optional(Type.Object({}, { additionalProperties: true })) });

export interface ProcessorOptions {
  /** Side of what the tower reads, in pixels. */
  readonly imageSize: number;
  /** How a processor fits pictures whose file says nothing, or a number: CLIP's crops, BLIP's stretches. */
  readonly fit: 'crop' | 'stretch';
}

/**
 * A folder without a processor prepares pictures as its kind does.
 * @throws DuetError 'invalid-config' naming what is prepared in a way that is not built
 */
export async function readProcessor(
  folder: string,
  { imageSize, fit: usual }: ProcessorOptions,
): Promise<VisualInputRules> {
  const { file, given } = await findProcessor(folder);
  const json = readFields(processorSchema, given, file);
  const fail = (message: string): never => {
    throw new DuetError('invalid-config', `${file}: ${message}`);
  };
  const { size: said = imageSize, crop_size: crop = imageSize, resample = 3 } = json;
  const size = typeof said === 'number' && usual === 'stretch' ? { height: said, width: said } : said;
  const shortest = typeof size === 'number' ? size : 'shortest_edge' in size ? size.shortest_edge : undefined;
  const filter =
    filters[resample] ?? fail(`resample must be one of ${Object.keys(filters).join(', ')}, got ${resample}`);
  if (json.do_resize === false || json.do_rescale === false) fail('pictures must be resized and rescaled');
  if (json.do_pad === true) fail('do_pad is not built');
  if (Math.abs((json.rescale_factor ?? 1 / 255) - 1 / 255) > 1e-9) fail('rescale_factor must be 1 / 255');
  const isStretched = shortest === undefined;
  const cropped = typeof crop === 'number' ? { height: crop, width: crop } : crop;
  const last = isStretched ? (size as { readonly height: number; readonly width: number }) : cropped;
  if (last.height !== imageSize || last.width !== imageSize || (!isStretched && shortest !== imageSize)) {
    fail(`the tower reads pictures of ${imageSize} x ${imageSize}; size and crop_size must be that`);
  }
  if (!isStretched && json.do_center_crop === false) fail('the longer side must be cropped');
  const colours = json.do_normalize === false ? { mean: [0, 0, 0], std: [1, 1, 1] } : undefined;
  return {
    fit: isStretched ? 'stretch' : 'crop',
    filter,
    ...clipColours,
    ...(json.image_mean && { mean: json.image_mean }),
    ...(json.image_std && { std: json.image_std }),
    ...(colours as Pick<VisualInputRules, 'mean' | 'std'> | undefined),
  };
}

async function findProcessor(folder: string): Promise<{ readonly file: string; readonly given: unknown }> {
  const file = join(folder, 'preprocessor_config.json');
  const given = await readOptionalJsonFile(file);
  if (given !== undefined) return { file, given };
  const whole = join(folder, 'processor_config.json');
  const { image_processor: part = {} } = readFields(partSchema, (await readOptionalJsonFile(whole)) ?? {}, whole);
  return { file: whole, given: part };
}
