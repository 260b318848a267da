/** The media type of a picture file, by its first bytes. */

const signatures: readonly (readonly [string, number, string])[] = [
  ['\x89PNG', 0, 'image/png'],
  ['\xff\xd8\xff', 0, 'image/jpeg'],
  ['GIF8', 0, 'image/gif'],
  ['WEBP', 8, 'image/webp'],
  ['ftyp', 4, 'image/avif'],
  ['II*\0', 0, 'image/tiff'],
  ['MM\0*', 0, 'image/tiff'],
];

export function fileType(bytes: Uint8Array): string {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  return signatures.find(([mark, offset]) => head.startsWith(mark, offset))?.[2] ?? 'application/octet-stream';
}
