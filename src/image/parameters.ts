/**
 * How a picture was made, written into its file: for other programs as infotext (PNG chunk `parameters`, EXIF UserComment
 * of JPEG and WebP), for ourselves, so that nothing is lost, as JSON in the PNG chunk `duet`.
 */
import { DuetError } from '../core/errors.ts';
import { insertExifComment, isJpeg, isWebp, readExifComment } from './exif-comment.ts';
import { formatInfotext, type Infotext, parseInfotext } from './infotext.ts';
import { insertPngTexts, isPng, readPngTexts } from './png-text.ts';

/** What is known about the making of a picture. Further keys travel along in the JSON. */
export interface PictureParameters {
  /** Such as `t2i` or `inpaint`. */
  readonly mode: string;
  readonly model: string;
  /** Of Duet, such as `0.1.0`. */
  readonly version: string;
  readonly width: number;
  readonly height: number;
  readonly seed: number;
  readonly steps: number;
  /** In diffusers' convention, 1 is off. */
  readonly guidance: number;
  readonly solver: string;
  /** The caption that was given. */
  readonly prompt?: string;
  readonly negativePrompt?: string;
  /** The caption that was sampled along with the picture. */
  readonly caption?: string;
  readonly [further: string]: unknown;
}

/** What a file says about its making. */
export interface ReadParameters {
  /** As it stands there. */
  readonly text: string;
  readonly infotext: Infotext;
  /** Our own record; absent in pictures of other programs, and in JPEG and WebP. Not checked beyond being an object. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** Names that other programs know our solvers by. */
const samplerNames: Readonly<Record<string, string>> = {
  'dpm-multistep': 'DPM++ 2M',
  'dpm-singlestep': 'DPM++ 2S',
  ddim: 'DDIM',
};

/** The picture file `bytes` (PNG, JPEG or WebP) with its parameters inside; the picture itself is not touched. */
export function withParameters(bytes: Uint8Array, parameters: PictureParameters): Uint8Array {
  const text = formatInfotext(infotextOf(parameters));
  return isPng(bytes)
    ? insertPngTexts(bytes, { parameters: text, duet: JSON.stringify(parameters) })
    : insertExifComment(bytes, text);
}

/**
 * The parameters in a picture file of any origin; null if there are none. Looks at metadata alone, in memory bounded by
 * the file's own size and a few MiB.
 * @throws DuetError 'invalid-image' if it is no PNG, JPEG or WebP file
 */
export function readParameters(bytes: Uint8Array): ReadParameters | null {
  if (isPng(bytes)) {
    const { parameters: text, duet } = readPngTexts(bytes, ['parameters', 'duet']);
    const parameters = duet === undefined ? undefined : parseRecord(duet);
    if (text === undefined && parameters === undefined) return null;
    return { text: text ?? '', infotext: parseInfotext(text ?? ''), ...(parameters && { parameters }) };
  }
  if (!isJpeg(bytes) && !isWebp(bytes)) {
    throw new DuetError('invalid-image', 'The file is not a PNG, JPEG or WebP picture; only these carry parameters');
  }
  const text = readExifComment(bytes);
  return text ? { text, infotext: parseInfotext(text) } : null;
}

/** The same in infotext's words. */
export function infotextOf(parameters: PictureParameters): Infotext {
  const { width, height, steps, solver, guidance, seed, model, version, prompt, caption, negativePrompt } = parameters;
  const { modelHash, strength } = parameters;
  const settings = {
    Steps: String(steps),
    Sampler: samplerNames[solver] ?? solver,
    'CFG scale': String(guidance),
    Seed: String(seed),
    Size: `${width}x${height}`,
    ...(typeof modelHash === 'string' && { 'Model hash': modelHash }),
    Model: model,
    ...(typeof strength === 'number' && { 'Denoising strength': String(strength) }),
    Version: `duet-${version}`,
  };
  return { prompt: prompt ?? caption ?? '', negativePrompt: negativePrompt ?? '', settings };
}

function parseRecord(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isRecord ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
