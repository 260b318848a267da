/** A picture file as a data URL. */
import { fileType } from '../native/file-type.ts';

export function pictureUrl(bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  return `data:${fileType(bytes)};base64,${base64}`;
}
