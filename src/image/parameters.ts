/**
 * How a picture was made, written into its file: for other programs as infotext, for ourselves, so that nothing is lost,
 * as JSON.
 */
import { DuetError } from '../core/errors.ts';
import { formatInfotext, type Infotext, parseInfotext } from './infotext.ts';
import { carriesMetadata, readMetadata, withMetadata } from './metadata.ts';

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
  /** Infotext as it stands there; empty if there is none. */
  readonly text: string;
  readonly infotext: Infotext;
  /** Our own record; absent in pictures of other programs. Not checked beyond being an object. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** Our solvers in the words of A1111's menus. The singlestep solver is of third order, which has no name there. */
export const samplerLabels = {
  'dpm-multistep': 'DPM++ 2M',
  'dpm-multistep-sde': 'DPM++ 2M SDE',
  'dpm-singlestep': 'DPM++ 3S',
  unipc: 'UniPC',
  euler: 'Euler',
  'euler-ancestral': 'Euler a',
  heun: 'Heun',
  ddim: 'DDIM',
  ddpm: 'DDPM',
  pndm: 'PLMS',
  lcm: 'LCM',
} as const satisfies Readonly<Record<string, string>>;

/** Our noise schedules in the words of A1111's menus. */
export const scheduleLabels = {
  uniform: 'Uniform',
  karras: 'Karras',
  exponential: 'Exponential',
  beta: 'Beta',
} as const satisfies Readonly<Record<string, string>>;

/** The picture file `bytes` (PNG, JPEG or WebP) with its parameters inside; the picture itself is not touched. */
export function withParameters(bytes: Uint8Array, parameters: PictureParameters): Uint8Array {
  return withMetadata(bytes, {
    infotext: formatInfotext(infotextOf(parameters)),
    record: JSON.stringify(parameters),
  });
}

/**
 * The parameters in a picture file of any origin; null if there are none. Looks at metadata alone, in memory bounded by
 * the file's own size and a few MiB.
 * @throws DuetError 'invalid-image' if it is no PNG, JPEG or WebP file
 */
export function readParameters(bytes: Uint8Array): ReadParameters | null {
  if (!carriesMetadata(bytes)) {
    throw new DuetError('invalid-image', 'The file is not a PNG, JPEG or WebP picture; only these carry parameters');
  }
  const { infotext: text, record } = readMetadata(bytes);
  const parameters = record === undefined ? undefined : parseRecord(record);
  if (text === undefined && parameters === undefined) return null;
  const infotext = { ...parseInfotext(text ?? ''), ...(parameters && exactPrompts(parameters, text)) };
  return { text: text ?? '', infotext, ...(parameters && { parameters }) };
}

/**
 * Both prompts from our record, which keeps what infotext cannot (zero bytes, white space around, a line that begins with
 * "Negative prompt:"); nothing if the infotext was changed after the record was written.
 */
function exactPrompts(record: Readonly<Record<string, unknown>>, text: string | undefined) {
  const { prompt, caption, negativePrompt = '' } = record;
  const given = prompt ?? caption ?? '';
  if (typeof given !== 'string' || typeof negativePrompt !== 'string') return {};
  const prompts = { prompt: given, negativePrompt };
  const head = formatInfotext({ ...prompts, settings: {} });
  return text === undefined || text.startsWith(asStored(head)) ? prompts : {};
}

/** Zero bytes and surrogates without their other half are replaced in files. */
function asStored(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(text)).replaceAll('\0', ' ');
}

/** The same in infotext's words. */
export function infotextOf(parameters: PictureParameters): Infotext {
  const { width, height, steps, solver, guidance, seed, model, version, prompt, caption, negativePrompt } = parameters;
  const { modelHash, strength, noiseSchedule } = parameters;
  const settings = {
    Steps: String(steps),
    Sampler: labelOf(samplerLabels, solver),
    ...(typeof noiseSchedule === 'string' && { 'Schedule type': labelOf(scheduleLabels, noiseSchedule) }),
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

function labelOf(labels: Readonly<Record<string, string>>, name: string): string {
  return Object.hasOwn(labels, name) ? labels[name]! : name;
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
