/**
 * A brush on the picture: what is painted over will be made anew. The mask has the model's own pixels, so what is seen is
 * what is sent. By keyboard: arrows move the brush, space paints, X rubs out, [ and ] change its size.
 */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { InputPicture } from '../form.ts';
import { createMask, type Mask, type Region } from '../mask.ts';
import { drawOverlay } from '../mask-overlay.ts';
import { notifyError } from '../notices.ts';
import { Choice, SliderField } from './fields.tsx';
import { IconButton } from './icon-button.tsx';
import { Icon } from './icons.tsx';

interface MaskPainterProps {
  readonly picture: InputPicture;
  readonly side: number;
  readonly mask: InputPicture | null;
  readonly onChange: (mask: InputPicture | null) => void;
  readonly onRemove: () => void;
}

const regions = ['left', 'right', 'top', 'bottom'] as const satisfies readonly Region[];
const moves: Record<string, readonly [number, number]> = {
  ArrowLeft: [-2, 0],
  ArrowRight: [2, 0],
  ArrowUp: [0, -2],
  ArrowDown: [0, 2],
};

export function MaskPainter({ picture, side, mask: given, onChange, onRemove }: MaskPainterProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const mask = useRef<Mask | null>(null);
  /** The mask that the form has from here; another one was restored or kept, and is to be shown. */
  const sent = useRef<string | undefined>(undefined);
  const lastPoint = useRef<readonly [number, number] | null>(null);
  const size = useSignal(Math.max(4, Math.round(side / 6)));
  const tool = useSignal<'paint' | 'erase'>('paint');
  const cursor = useSignal<readonly [number, number] | null>(null);

  // Before the canvas is shown, so that not even the first stroke is missed.
  useLayoutEffect(() => {
    mask.current = createMask(side, painted => drawOverlay(canvas.current!, painted));
  }, [side]);
  useLayoutEffect(() => {
    if (given?.url === sent.current) return;
    sent.current = given?.url;
    if (given) mask.current?.load(given.url).catch(notifyError);
    else mask.current?.clear();
  }, [side, given?.url]);

  const commit = () => {
    const url = mask.current?.toUrl();
    sent.current = url ?? undefined;
    onChange(url ? { name: 'mask.png', url } : null);
  };
  const change = (act: (mask: Mask) => void) => {
    if (!mask.current) return;
    mask.current.remember();
    act(mask.current);
    commit();
  };
  const pointOf = (event: PointerEvent): readonly [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
  };
  const stroke = (event: PointerEvent) => {
    const point = pointOf(event);
    cursor.value = point;
    if (!lastPoint.current) return;
    mask.current?.stroke(lastPoint.current, point, size.value, tool.value === 'erase');
    lastPoint.current = point;
  };
  const begin = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.current!.setPointerCapture(event.pointerId);
    mask.current?.remember();
    lastPoint.current = pointOf(event);
    stroke(event);
  };
  const end = (event: PointerEvent) => {
    if (!lastPoint.current) return;
    stroke(event);
    lastPoint.current = null;
    commit();
  };
  const abandon = () => {
    if (lastPoint.current) commit();
    lastPoint.current = null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const [x, y] = cursor.value ?? [side / 2, side / 2];
    const move = moves[event.key];
    if (move) cursor.value = [clamp(x + move[0], side), clamp(y + move[1], side)];
    else if (event.key === ' ') change(current => current.stroke([x, y], [x, y], size.value, false));
    else if (event.key === 'x') change(current => current.stroke([x, y], [x, y], size.value, true));
    else if (event.key === '[') size.value = Math.max(2, size.value - 2);
    else if (event.key === ']') size.value = Math.min(side / 2, size.value + 2);
    else return;
    event.preventDefault();
  };
  const showBrush = () => {
    cursor.value ??= [side / 2, side / 2];
  };
  const leave = () => {
    if (!lastPoint.current) cursor.value = null;
  };
  const undo = () => {
    mask.current?.undo();
    commit();
  };
  const [x, y] = cursor.value ?? [0, 0];
  return (
    <div class="painter">
      <div class="painter-board">
        <img src={picture.url} alt={picture.name} class="picture" draggable={false} />
        {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: keys go to the brush, not to the reader */}
        <canvas
          ref={canvas}
          width={overlaySide(side)}
          height={overlaySide(side)}
          tabIndex={0}
          role="application"
          aria-label="Mask. Arrows move the brush, space paints, X rubs out, brackets change the size"
          onPointerDown={begin}
          onPointerMove={stroke}
          onPointerUp={end}
          onPointerCancel={abandon}
          onPointerLeave={leave}
          onFocus={showBrush}
          onBlur={leave}
          onKeyDown={onKeyDown}
        />
        {cursor.value && (
          <span
            class="brush"
            style={{
              left: `${(x / side) * 100}%`,
              top: `${(y / side) * 100}%`,
              width: `${(size.value / side) * 100}%`,
            }}
          />
        )}
        <IconButton icon="close" name="Remove picture" class="quiet picture-clear" onClick={onRemove} />
      </div>
      <div class="painter-tools">
        <Choice
          label="Tool"
          value={tool.value}
          options={[
            { value: 'paint', name: 'Brush' },
            { value: 'erase', name: 'Rubber' },
          ]}
          onChange={value => (tool.value = value)}
        />
        <button type="button" class="quiet" onClick={undo}>
          <Icon name="undo" /> Undo
        </button>
        <button type="button" class="quiet" onClick={() => change(current => current.clear())}>
          Clear
        </button>
      </div>
      <SliderField
        label="Brush size"
        hint="In pixels of the model."
        value={size.value}
        range={{ lowest: 2, highest: side / 2, most: side / 2, step: 2, grain: 2 }}
        onChange={value => {
          if (value !== '') size.value = value;
        }}
      />
      <div class="painter-tools">
        <span class="hint">Paint half:</span>
        {regions.map(region => (
          <button key={region} type="button" class="example" onClick={() => change(current => current.fill(region))}>
            {region}
          </button>
        ))}
      </div>
    </div>
  );
}

/** Pixels of the canvas that shows the mask: a whole number for each of the mask's, and enough for fine stripes. */
function overlaySide(side: number): number {
  return side * Math.max(1, Math.round(768 / side));
}

function clamp(value: number, side: number): number {
  return Math.min(side, Math.max(0, value));
}
