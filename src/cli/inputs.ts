/** The inputs of commands: a caption or a picture, `-` for standard input. */
import { stat } from 'node:fs/promises';
import { DuetError } from '../core/errors.ts';
import { decodeText, unifyLineEnds } from '../core/text.ts';
import { type ImageInput, isPictureAddress, type Pixels } from '../image/index.ts';
import type { CallInputs } from '../pipelines/index.ts';
import { readAll, type Terminal } from './terminal.ts';

const captionLimit = 2 ** 20;
const pictureLimit = 64 * 2 ** 20;

/** The caption given, or all of standard input for `-`. */
export async function readCaption(terminal: Terminal, argument: string): Promise<string> {
  const isPiped = argument === '-';
  const text = isPiped
    ? decodeText(await readStdin(terminal, captionLimit), 'The caption on standard input')
    : unifyLineEnds(argument);
  const caption = text.trim();
  if (caption === '') throw new DuetError('invalid-argument', 'The caption is empty; give some words, or - and a pipe');
  return caption;
}

/** The picture given: a path or an address, or the bytes on standard input for `-`. */
export async function readPicture(terminal: Terminal, argument: string): Promise<Exclude<ImageInput, Pixels>> {
  return argument === '-' ? readStdin(terminal, pictureLimit) : argument;
}

/**
 * A picture or a caption, whichever `argument` is: a picture if it is a file or is named like one, an address, or standard
 * input for `-`; otherwise a caption.
 */
export async function readPictureOrCaption(
  terminal: Terminal,
  argument: string,
): Promise<Pick<CallInputs, 'prompt' | 'image'>> {
  const isPicture =
    argument === '-' || isPictureAddress(argument) || pictureName.test(argument) || (await isFile(argument));
  if (isPicture) return { image: await readPicture(terminal, argument) };
  return { prompt: await readCaption(terminal, argument) };
}

const pictureName = /\.(png|jpe?g|jfif|webp|gif|avif|tiff?)$/i;

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ?? false;
}

async function readStdin(terminal: Terminal, limit: number): Promise<Uint8Array> {
  try {
    return await readAll(terminal.stdin, limit);
  } catch (error) {
    if (error instanceof RangeError) throw new DuetError('invalid-argument', `Cannot use it: ${error.message}`);
    throw error;
  }
}
