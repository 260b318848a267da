/** A mask in the model's own pixels: opaque where the picture is to be made anew, and sent as transparent there. */
import { loadImage, newCanvas } from './pictures.ts';

export type Region = 'left' | 'right' | 'top' | 'bottom';
type Point = readonly [x: number, y: number];

export interface Mask {
  /** A round brush of `size` pixels along the line between two points. */
  stroke(from: Point, to: Point, size: number, erases: boolean): void;
  fill(region: Region): void;
  clear(): void;
  /** Keeps the present state for `undo`. */
  remember(): void;
  undo(): void;
  /** Takes the place of what was painted. */
  load(url: string): Promise<void>;
  /** A PNG as data URL, transparent where painted; null if nothing is. */
  toUrl(): string | null;
}

const mostRemembered = 30;
const painted = [0, 0, 0, 255] as const;
const clear = [0, 0, 0, 0] as const;

/** `onChange` is given the mask after each change. */
export function createMask(side: number, onChange: (mask: HTMLCanvasElement) => void): Mask {
  const canvas = newCanvas(side, side);
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const remembered: ImageData[] = [];
  const read = () => context.getImageData(0, 0, side, side);
  const write = (pixels: ImageData) => {
    context.putImageData(pixels, 0, 0);
    onChange(canvas);
  };

  /** Sets pixel by pixel: a canvas line would be smoothed at its edges, and half a pixel cannot be kept. */
  const paint = (isInside: (x: number, y: number) => boolean, erases: boolean) => {
    const pixels = read();
    for (let index = 0; index < side * side; index++) {
      if (isInside((index % side) + 0.5, Math.floor(index / side) + 0.5)) {
        pixels.data.set(erases ? clear : painted, index * 4);
      }
    }
    write(pixels);
  };

  return {
    stroke([x1, y1], [x2, y2], size, erases) {
      const lengthSquared = (x2 - x1) ** 2 + (y2 - y1) ** 2;
      const distance = (x: number, y: number) => {
        const along = lengthSquared === 0 ? 0 : ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / lengthSquared;
        const t = Math.min(1, Math.max(0, along));
        return Math.hypot(x - x1 - t * (x2 - x1), y - y1 - t * (y2 - y1));
      };
      paint((x, y) => distance(x, y) <= size / 2, erases);
    },
    fill(region) {
      const inside = {
        left: (x: number) => x < side / 2,
        right: (x: number) => x > side / 2,
        top: (_: number, y: number) => y < side / 2,
        bottom: (_: number, y: number) => y > side / 2,
      } satisfies Record<Region, (x: number, y: number) => boolean>;
      paint(inside[region], false);
    },
    clear: () => write(context.createImageData(side, side)),
    remember() {
      remembered.push(read());
      if (remembered.length > mostRemembered) remembered.shift();
    },
    undo() {
      const last = remembered.pop();
      if (last) write(last);
    },
    async load(url) {
      const image = await loadImage(url);
      const kept = newCanvas(side, side).getContext('2d')!;
      kept.drawImage(image, 0, 0, side, side);
      const alpha = kept.getImageData(0, 0, side, side).data;
      context.clearRect(0, 0, side, side);
      paint((x, y) => alpha[(Math.floor(y) * side + Math.floor(x)) * 4 + 3]! < 128, false);
    },
    toUrl() {
      const { data } = read();
      const sent = newCanvas(side, side);
      const target = sent.getContext('2d')!;
      const pixels = target.createImageData(side, side);
      let any = false;
      for (let index = 3; index < data.length; index += 4) {
        pixels.data[index] = data[index]! > 0 ? 0 : 255;
        any ||= data[index]! > 0;
      }
      target.putImageData(pixels, 0, 0);
      return any ? sent.toDataURL('image/png') : null;
    },
  };
}
