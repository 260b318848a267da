/** Pictures on their way in: read, checked, made small enough to send. */
import type { InputPicture } from './form.ts';

/** Larger files are drawn smaller before they are sent: the model sees 64 x 64 pixels of them at most. */
const mostBytes = 2 * 2 ** 20;
const sideWhenShrunk = 1024;

export const pictureTypes = 'image/png,image/jpeg,image/webp,image/gif,image/avif';

/** @throws Error with a message for people, if the browser cannot read the file as a picture. */
export async function readPicture(
  file: File | Blob,
  name = file instanceof File ? file.name : 'picture.png',
): Promise<InputPicture> {
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(`${name} is not a picture that this browser can read. PNG, JPEG and WebP work.`);
  });
  const small = file.size <= mostBytes && /^image\/(png|jpeg|webp)$/.test(file.type);
  const url = small ? await toDataUrl(file) : shrink(picture, sideWhenShrunk);
  picture.close();
  return { name, url };
}

/** A file exactly as it is. */
export async function keepPicture(file: Blob, name: string): Promise<InputPicture> {
  return { name, url: await toDataUrl(file) };
}

/** The middle square of a picture at the model's size, as a PNG: what a mask is painted on. */
export async function squarePicture({ name, url }: InputPicture, side: number): Promise<InputPicture> {
  const picture = await loadImage(url);
  const edge = Math.min(picture.width, picture.height);
  const canvas = newCanvas(side, side);
  const context = canvas.getContext('2d')!;
  context.fillStyle = 'white';
  context.fillRect(0, 0, side, side);
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, (picture.width - edge) / 2, (picture.height - edge) / 2, edge, edge, 0, 0, side, side);
  return { name, url: canvas.toDataURL('image/png') };
}

/** Through an element, not fetch: the page's policy lets it show data URLs, not request them. */
export async function loadImage(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

export function newCanvas(width: number, height: number): HTMLCanvasElement {
  return Object.assign(document.createElement('canvas'), { width, height });
}

function shrink(picture: ImageBitmap, side: number): string {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = newCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  const context = canvas.getContext('2d')!;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/png');
}

function toDataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error('The file could not be read.'));
    reader.readAsDataURL(blob);
  });
}
