/**
 * Where the objects of a scene go on a square canvas. Sizes are given for 64 pixels and scale with the canvas.
 * Objects of pairs and counts keep to their own half or quarter (boxes 1-30 and 33-62 of 64), so that they never
 * touch; a positioned object is moved to the edge, far enough to differ plainly from the centred one. All but the large
 * centred object have one size and corners on a grid of 16 pixels: a network whose tokens are 16 pixels wide then sees
 * the same object as the same few tokens wherever it stands.
 */

import type { Position, Scene, SingleScene } from './scene.ts';

/** Sizes of an object's box on a 64-pixel canvas. */
export const boxSizes = { large: 52, part: 30 } as const;
export type BoxSize = keyof typeof boxSizes;

/** An object's square box, in pixels of the canvas. */
export interface Placement {
  readonly concept: string;
  readonly box: BoxSize;
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

const near = 1;
const far = 33;
const middle = 17;

/** Corners of the boxes for 2, 3 and 4 objects of one kind. */
const countCorners = {
  2: [
    [near, middle],
    [far, middle],
  ],
  3: [
    [middle, near],
    [near, far],
    [far, far],
  ],
  4: [
    [near, near],
    [far, near],
    [near, far],
    [far, far],
  ],
} as const;

/** Steps from the centre: [right, down]. */
const directions = {
  center: [0, 0],
  left: [-1, 0],
  right: [1, 0],
  top: [0, -1],
  bottom: [0, 1],
} as const satisfies Record<Position, readonly [number, number]>;

/** The box kind of each object in a scene. */
function boxOf(scene: Scene): BoxSize {
  return scene.kind === 'single' && scene.size === 'large' ? 'large' : 'part';
}

function singleCorner({ position }: SingleScene, box: BoxSize): readonly [number, number] {
  const centred = (64 - boxSizes[box]) / 2;
  const step = middle - near;
  const [right, down] = directions[position];
  return [centred + right * step, centred + down * step];
}

function cornersOf(scene: Scene, box: BoxSize): ReadonlyArray<readonly [number, number]> {
  if (scene.kind === 'single') return [singleCorner(scene, box)];
  if (scene.kind === 'count') return countCorners[scene.count];
  return scene.relation === 'left of'
    ? [
        [near, middle],
        [far, middle],
      ]
    : [
        [middle, near],
        [middle, far],
      ];
}

/** The placements of a scene on a canvas of `canvas` x `canvas` pixels, in drawing order. */
export function layout(scene: Scene, canvas = 64): Placement[] {
  const box = boxOf(scene);
  const scale = canvas / 64;
  const size = Math.round(boxSizes[box] * scale);
  return cornersOf(scene, box).map(([x, y], index) => ({
    concept: scene.kind === 'pair' ? (index === 0 ? scene.first : scene.second) : scene.concept,
    box,
    x: Math.round(x * scale),
    y: Math.round(y * scale),
    size,
  }));
}
