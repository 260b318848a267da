/**
 * How a mask is shown on a picture of any colours: hatched in dark and light stripes with clear ones between, of which one
 * stands out against whatever lies beneath, and outlined in both.
 */

const dark = 'rgb(24 20 32 / 82%)';
const light = 'rgb(255 255 255 / 82%)';
/** Lies between the stripes, so that small strokes are seen as a whole. */
const veil = 'rgb(128 128 128 / 28%)';
const stripe = 4;

/** Draws `mask`, opaque where painted and clear elsewhere, over all of `target`. */
export function drawOverlay(target: HTMLCanvasElement, mask: HTMLCanvasElement): void {
  const { width, height } = target;
  const context = target.getContext('2d')!;
  context.clearRect(0, 0, width, height);
  context.fillStyle = veil;
  context.fillRect(0, 0, width, height);
  hatch(context, dark, 0);
  hatch(context, light, stripe);
  context.globalCompositeOperation = 'destination-in';
  context.imageSmoothingEnabled = false;
  context.drawImage(mask, 0, 0, width, height);
  context.globalCompositeOperation = 'source-over';
  const outline = outlineOf(mask, width / mask.width);
  for (const [colour, lineWidth] of [
    [light, 6],
    [dark, 2],
  ] as const) {
    Object.assign(context, { strokeStyle: colour, lineWidth, lineCap: 'square' });
    context.stroke(outline);
  }
}

/** All sides of pixels where painted ones meet others, `scale` times as large. */
function outlineOf(mask: HTMLCanvasElement, scale: number): Path2D {
  const { width, height } = mask;
  const { data } = mask.getContext('2d')!.getImageData(0, 0, width, height);
  const isPainted = (x: number, y: number) =>
    x >= 0 && y >= 0 && x < width && y < height && data[(y * width + x) * 4 + 3]! > 0;
  const outline = new Path2D();
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      if (isPainted(x, y) !== isPainted(x - 1, y)) addLine(outline, [x, y], [x, y + 1], scale);
      if (isPainted(x, y) !== isPainted(x, y - 1)) addLine(outline, [x, y], [x + 1, y], scale);
    }
  }
  return outline;
}

type Point = readonly [x: number, y: number];

function addLine(path: Path2D, [x1, y1]: Point, [x2, y2]: Point, scale: number): void {
  path.moveTo(x1 * scale, y1 * scale);
  path.lineTo(x2 * scale, y2 * scale);
}

/** Diagonal stripes, one of every four places. */
function hatch(context: CanvasRenderingContext2D, colour: string, offset: number): void {
  const { width, height } = context.canvas;
  context.beginPath();
  context.strokeStyle = colour;
  context.lineWidth = stripe;
  const step = stripe * 4 * Math.SQRT2;
  for (let x = -height + offset * Math.SQRT2; x < width; x += step) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
}
