/** Pictures of training data, read when they are needed. */
import { resolve, sep } from 'node:path';
import { DuetError } from '../../../core/errors.ts';
import { decodeImage } from '../../../image/index.ts';
import type { PictureSource } from './answer-source.ts';

/** @param file its path */
export function readPicture(file: string): PictureSource {
  return async () => {
    try {
      return await decodeImage(file);
    } catch (error) {
      throw new DuetError('invalid-image', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
    }
  };
}

/** @throws DuetError 'invalid-argument' if the path leads out of the folder */
export function fileWithin(folder: string, path: string, origin: string): string {
  const file = resolve(folder, path);
  if (file.startsWith(resolve(folder) + sep)) return file;
  throw new DuetError('invalid-argument', `${origin}: the picture ${JSON.stringify(path)} is outside the folder`);
}
