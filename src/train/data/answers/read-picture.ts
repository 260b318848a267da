/** Pictures of training data, read when they are needed. */
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
