/**
 * Inpainting: part of a picture or some words of a caption stay, the rest is sampled around them. What is given whole is a
 * condition, what is absent is sampled jointly; a picture drawn jointly with a caption's gaps is drawn again once the
 * words are found. The kept part is exact: its pixels are copied into the result, and decoding is limited to its words.
 */
import { DuetError } from '../../../core/errors.ts';
import {
  composite,
  decodeImage,
  decodeMask,
  decodeTransparency,
  fetchIfRemote,
  inDecodeSlot,
  keptCells,
  type Mask,
  Picture,
  type Pixels,
  squareImage,
  squareMask,
} from '../../../image/index.ts';
import { type CaptionTemplate, parseTemplate } from '../../../lm/index.ts';
import { checkText } from '../../call-table.ts';
import type { ImageLatents, KnownPart, KnownValues, PartialStart, SampleLatents } from '../sampling/index.ts';
import type { SampledGroup, SampleTask } from '../sampling/sample-latents.ts';
import type { NetworkChoice } from './options.ts';
import { type CallDefaults, networkOf } from './requests.ts';
import { SamplingCall, type SamplingPass, type UniDiffuserParts } from './sampling-call.ts';
import type { InpaintInput, InpaintOptions, PairSample, Result } from './types.ts';

interface GivenPicture {
  readonly square: Pixels;
  /** Absent: nothing is painted anew. */
  readonly mask: Mask | undefined;
  readonly latents: ImageLatents;
}

interface GivenCaption {
  readonly caption: string;
  /** Absent: the caption has no gaps. */
  readonly template: CaptionTemplate | undefined;
}

export async function inpaint(
  parts: UniDiffuserParts,
  input: InpaintInput,
  options: InpaintOptions,
): Promise<Result<PairSample>> {
  const words = input.caption === undefined ? undefined : readCaption(input.caption);
  const call = new SamplingCall(parts, 'inpaint', options, ownDefaults(parts, options, likelyMode(input, words)));
  const picture = await readPicture(call, input);
  if (!picture?.mask && !words?.template) throw nothingToDo(input);
  const network = painterOf(call, picture, options);
  const start = startOf(options, picture, words);
  const { seeds } = call.request;

  const text = words && !words.template ? await call.encodeCaption(words.caption, network) : undefined;
  const given: SampleLatents = {
    ...(text && { text }),
    ...(picture && (!picture.mask || start) && { image: picture.latents }),
  };
  const known: KnownValues = {
    ...(picture?.mask && { z: keptLatents(call, picture.latents, picture.mask) }),
    ...(words?.template && { y: await keptWords(call, words.template) }),
  };
  const drawing = { mode: 't2i', network, known, ...(start && { start }) } as const;
  const tasks = seeds.map(seed => ({ seed, given }));
  call.given(words?.template ? words.template.join(' ') : words?.caption);
  const finish = async (group: SampledGroup, captions: readonly string[]) => {
    const images = await picturesOf(call, group.sampled, picture);
    return group.tasks.map(({ seed }, index) => ({ seed, image: images[index]!, caption: captions[index]! }));
  };
  const finishAll = async (group: SampledGroup) => finish(group, await captionsOf(call, group.sampled, words));
  if (text) {
    call.planSteps(tasks, drawing);
    return call.resultOf(tasks, drawing, finishAll);
  }
  // The U-Net draws what captions say, which are found first: of the picture that is started from, or together with what it lacks.
  const describes = start && network === 'unet';
  const mode = start ? (describes ? 'i2t' : 'i2t2i') : given.image ? 'i2t' : 'joint';
  const pass: SamplingPass = { mode, ...(!describes && { known, ...(start && { start }) }) };
  call.planSteps(tasks, pass);
  if (network !== 'unet' && !(words?.template && mode === 'joint')) return call.resultOf(tasks, pass, finishAll);
  // The pictures of the captions that are found are drawn from the same seeds.
  call.planSteps(tasks.map(withText), drawing);
  const captions = await captionsOf(call, await call.sample(tasks, pass), words);
  const texts = await call.encodeCaptions(captions, network);
  const drawn = seeds.map((seed, index) => ({ seed, given: { text: texts[index]! } }));
  return call.resultOf(drawn, drawing, group => finish(group, captions.slice(group.first)));
}

/** Of a call without choices: those of the network that paints, or of the U-ViT that fills in words. */
function ownDefaults(
  { config }: UniDiffuserParts,
  options: InpaintOptions,
  mode: ReturnType<typeof likelyMode>,
): CallDefaults {
  const { steps, guidance } = config.sampling;
  const isPainted = networkOf('inpaint', config, options) === 'unet' && mode !== 'i2t';
  return isPainted ? {} : { steps, guidance: guidance[mode] };
}

/** @throws DuetError 'invalid-argument' if the U-Net is asked for, and no picture is drawn */
function painterOf(call: SamplingCall, picture: GivenPicture | undefined, options: InpaintOptions): NetworkChoice {
  if (!picture || picture.mask) return call.request.network ?? 'uvit';
  if (options.network !== 'unet') return 'uvit';
  throw new DuetError('invalid-argument', 'Nothing of the picture is painted, and the U-Net fills in no words', {
    field: 'network',
  });
}

/** Where to start below strength 1. Without a caption the picture is described first, so that only it is started from. */
function startOf(
  { strength = 1 }: InpaintOptions,
  picture: GivenPicture | undefined,
  words: GivenCaption | undefined,
): PartialStart | undefined {
  if (strength === 1) return undefined;
  if (picture?.mask && !words?.template) return { latents: { image: picture.latents }, strength };
  throw new DuetError(
    'invalid-argument',
    'A strength below 1 needs a masked picture and a caption without gaps, or none',
    { field: 'strength' },
  );
}

/** The mode whose guidance is used; what a picture's own transparency may change is not considered. */
function likelyMode({ picture, mask }: InpaintInput, words: GivenCaption | undefined): 't2i' | 'i2t' | 'joint' {
  if (words && !words.template) return 't2i';
  return words && picture !== undefined && mask === undefined ? 'i2t' : 'joint';
}

function readCaption(caption: string): GivenCaption {
  checkText(caption, 'prompt');
  const template = parseTemplate(caption);
  return { caption, template: template.length > 1 ? template : undefined };
}

async function readPicture(call: SamplingCall, { picture, mask }: InpaintInput): Promise<GivenPicture | undefined> {
  if (picture === undefined) {
    if (mask === undefined) return undefined;
    throw new DuetError('invalid-argument', 'A mask needs the picture that it belongs to', { field: 'image' });
  }
  return call.measure('encode', async () => {
    const { options, imageSize } = call;
    const local = await fetchIfRemote(picture, options);
    const localMask = mask === undefined ? undefined : await fetchIfRemote(mask, options);
    const { square, own } = await inDecodeSlot(async () => {
      const whole = await decodeImage(local, options);
      const raw = localMask ? await decodeMask(localMask, options) : await decodeTransparency(local, options);
      const own = raw && squareMask(raw, whole.width, whole.height, imageSize);
      return { square: await squareImage(whole, imageSize), own };
    });
    if (mask !== undefined && !own?.repaint.includes(1)) {
      throw new DuetError(
        'invalid-argument',
        'The mask keeps all of the picture; make transparent or white what to repaint',
        { field: 'mask' },
      );
    }
    const repainted = own?.repaint.includes(1) ? own : undefined;
    const kept = repainted && keptValues(call, repainted);
    return { square, mask: repainted, latents: await call.encodeSquare(square, kept) };
  });
}

function nothingToDo({ picture }: InpaintInput): DuetError {
  const message =
    picture === undefined
      ? 'There is nothing to fill in; give a picture with a mask, or a caption with gaps such as "a _ on a table"'
      : 'Nothing says what to repaint; give a mask, a picture with transparent parts, or a caption with gaps (_)';
  return new DuetError('invalid-argument', message);
}

/** The cells of the image latent that see none of what is painted anew. The embedding c is of the whole: sampled. */
function keptLatents(call: SamplingCall, { z }: ImageLatents, mask: Mask): KnownPart {
  return { values: z, mask: keptValues(call, mask) };
}

function keptValues(call: SamplingCall, mask: Mask): Uint8Array {
  const [channels = 0, side = 0] = call.networks.shapes.z;
  const cells = keptCells(mask, side);
  return Uint8Array.from({ length: channels * side * side }, (_, i) => cells[i % cells.length]!);
}

function keptWords(call: SamplingCall, template: CaptionTemplate): Promise<KnownPart> {
  return call.measure('encode', () => call.networks.encodeTemplate(template, call.callOptions));
}

const withText = ({ seed }: SampleTask): SampleTask => ({ seed, given: { text: new Float32Array(0) } });

function captionsOf(
  call: SamplingCall,
  sampled: readonly SampleLatents[],
  words: GivenCaption | undefined,
): Promise<readonly string[]> {
  const { networks, callOptions } = call;
  return call.measure('decode', async () => {
    if (words && !words.template) return sampled.map(() => words.caption);
    const latents = sampled.map(({ text }) => text!);
    return words?.template
      ? networks.fillTemplate(latents, words.template, callOptions)
      : networks.decodeTexts(latents, callOptions);
  });
}

function picturesOf(
  call: SamplingCall,
  sampled: readonly SampleLatents[],
  picture: GivenPicture | undefined,
): Promise<readonly Picture[]> {
  return call.measure('decode', async () => {
    if (picture && !picture.mask) return sampled.map(() => new Picture(picture.square));
    const z = sampled.map(({ image }) => image!.z);
    const painted = await call.networks.decodeImages(z, call.callOptions);
    return painted.map(own => new Picture(picture?.mask ? composite(picture.square, own, picture.mask) : own));
  });
}
