/** Pictures that clients send: decoded once before anything is queued, so that no bad one reaches the model. */
import PQueue from 'p-queue';
import { DuetError } from '../src/core/errors.ts';
import { checkImage } from '../src/image/index.ts';
import type { ServerConfig } from './config.ts';
import { fetchImage, type ImageUrlOptions } from './image-url.ts';
import type { PictureInput } from './types.ts';

type Limits = Pick<ServerConfig, 'maxBodyBytes' | 'maxPixels' | 'imageUrlHosts'>;

/** A picture of 5 kB may have 40 million pixels: reading some leaves threads for the others' answers. */
const mostAtOnce = 2;
const dataUrl = /^data:[\w./+-]*(?:;[\w=.+-]+)*?(;base64)?,/i;
const base64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

export function pictureInput(
  { maxBodyBytes, maxPixels, imageUrlHosts }: Limits,
  network: Pick<ImageUrlOptions, 'lookup' | 'get' | 'timeoutMs'> = {},
): PictureInput {
  const checks = new PQueue({ concurrency: mostAtOnce });
  const check = async (bytes: Uint8Array): Promise<Uint8Array> => {
    await checks.add(() => checkImage(bytes, { maxBytes: maxBodyBytes, maxPixels }));
    return bytes;
  };
  return {
    check,
    async fromText(text, signal) {
      const trimmed = text.trim();
      if (!/^[a-z][a-z0-9+.-]*:/i.test(trimmed)) return check(decodeBase64(trimmed));
      if (!/^data:/i.test(trimmed)) {
        return check(await fetchImage(trimmed, { hosts: imageUrlHosts, maxBytes: maxBodyBytes, ...network }, signal));
      }
      const [head, isBase64] = dataUrl.exec(trimmed) ?? [];
      if (head === undefined || isBase64 === undefined) {
        throw new DuetError('invalid-image', 'A data URL of a picture looks like data:image/png;base64,...');
      }
      return check(decodeBase64(trimmed.slice(head.length)));
    },
  };
}

/** Line breaks are left out first: many encoders write them. */
function decodeBase64(text: string): Uint8Array {
  const compact = text.replace(/\s+/g, '');
  if (!base64.test(compact)) {
    throw new DuetError('invalid-image', 'The picture is neither base64 nor a data URL nor an http(s) URL');
  }
  return new Uint8Array(Buffer.from(compact, 'base64'));
}
