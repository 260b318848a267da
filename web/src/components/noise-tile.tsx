/** The place of a picture that is not ready: noise, as at the start of sampling, animated while the model works. */
import { useEffect, useRef } from 'preact/hooks';

const side = 32;
const pause = 180;

/** @param label what it stands for; empty where that is said beside it */
export function NoiseTile({ moving, label }: { moving: boolean; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context) return;
    drawNoise(context);
    if (!moving || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    const timer = setInterval(() => drawNoise(context), pause);
    return () => clearInterval(timer);
  }, [moving]);
  const spoken = label === '' ? ({ 'aria-hidden': true } as const) : ({ role: 'img', 'aria-label': label } as const);
  return <canvas ref={canvas} class="noise" width={side} height={side} {...spoken} />;
}

/** Soft colours around a light grey, the sum of three dice for each channel. */
function drawNoise(context: CanvasRenderingContext2D): void {
  const pixels = context.createImageData(side, side);
  for (let place = 0; place < pixels.data.length; place++) {
    pixels.data[place] = place % 4 === 3 ? 255 : 84 + 56 * (Math.random() + Math.random() + Math.random());
  }
  context.putImageData(pixels, 0, 0);
}
