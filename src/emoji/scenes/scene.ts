/**
 * What a picture shows, as a small value: one object, several of one kind, or two objects in a relation, on a plain
 * background. Scenes are compared by their key, so one meaning has one value: "b to the right of a" is stored as
 * "a left of b", "b below a" as "a above b".
 */

/** Background colours and their RGB values. */
export const backgrounds = {
  white: [255, 255, 255],
  gray: [176, 176, 180],
  yellow: [255, 238, 140],
  green: [160, 222, 140],
  blue: [140, 196, 250],
  purple: [192, 164, 238],
  pink: [255, 184, 214],
  orange: [250, 148, 92],
} as const satisfies Record<string, readonly [number, number, number]>;

export type Background = keyof typeof backgrounds;
export const backgroundNames = Object.keys(backgrounds) as readonly Background[];

export const sizes = ['large', 'small'] as const;
export type Size = (typeof sizes)[number];

export const positions = ['center', 'left', 'right', 'top', 'bottom'] as const;
export type Position = (typeof positions)[number];

export const counts = [2, 3, 4] as const;
export type Count = (typeof counts)[number];

export const relations = ['left of', 'right of', 'above', 'below'] as const;
export type Relation = (typeof relations)[number];
/** The two relations that stored pairs use; the others are these with the objects exchanged. */
export type StoredRelation = 'left of' | 'above';

/** One object. Large ones fill the picture, so they are centred; placed ones are small. */
export interface SingleScene {
  readonly kind: 'single';
  readonly concept: string;
  readonly size: Size;
  readonly position: Position;
  readonly background: Background;
}

export interface CountScene {
  readonly kind: 'count';
  readonly concept: string;
  readonly count: Count;
  readonly background: Background;
}

export interface PairScene {
  readonly kind: 'pair';
  readonly first: string;
  readonly second: string;
  readonly relation: StoredRelation;
  readonly background: Background;
}

export type Scene = SingleScene | CountScene | PairScene;

/** The columns of tables by kind: all kinds of scenes, single ones also by their size. */
export const sceneGroups = ['single', 'single, large', 'single, small', 'pair', 'count'] as const;

/** The columns that a scene counts in. */
export function groupsOf(scene: Scene): readonly (typeof sceneGroups)[number][] {
  return scene.kind === 'single' ? ['single', `single, ${scene.size}`] : [scene.kind];
}

const inverses = { 'left of': 'right of', 'right of': 'left of', above: 'below', below: 'above' } as const;

/** The relation seen from the second object: "left of" <-> "right of", "above" <-> "below". */
export function inverse(relation: Relation): Relation {
  return inverses[relation];
}

/** One object; centred on white unless said otherwise, large when centred. */
export function single(
  concept: string,
  parts: Partial<Omit<SingleScene, 'kind' | 'concept' | 'size'>> & { readonly size?: Size } = {},
): SingleScene {
  const { position = 'center', size = position === 'center' ? 'large' : 'small', background = 'white' } = parts;
  return { kind: 'single', concept, size, position, background };
}

/** All scenes of one object on a background: large in the centre, small in every place. */
export function singles(concept: string, background: Background): SingleScene[] {
  const small = positions.map(position => single(concept, { size: 'small', position, background }));
  return [single(concept, { background }), ...small];
}

/** Several objects of one kind. */
export function several(concept: string, count: Count, background: Background = 'white'): CountScene {
  return { kind: 'count', concept, count, background };
}

/** Two different objects, `a` standing in `relation` to `b`, in the stored form. */
export function pair(a: string, relation: Relation, b: string, background: Background = 'white'): PairScene {
  const [first, second] = relation === 'left of' || relation === 'above' ? [a, b] : [b, a];
  const stored = relation === 'left of' || relation === 'right of' ? 'left of' : 'above';
  return { kind: 'pair', first, second, relation: stored, background };
}

/** A string that two scenes share exactly when they are the same scene. */
export function sceneKey(scene: Scene): string {
  switch (scene.kind) {
    case 'single':
      return `single|${scene.concept}|${scene.size}|${scene.position}|${scene.background}`;
    case 'count':
      return `count|${scene.concept}|${scene.count}|${scene.background}`;
    case 'pair':
      return `pair|${scene.first}|${scene.relation}|${scene.second}|${scene.background}`;
  }
}

export function sameScene(a: Scene, b: Scene): boolean {
  return sceneKey(a) === sceneKey(b);
}

/** The different concepts that a scene shows, sorted. */
export function objectsOf(scene: Scene): readonly string[] {
  return scene.kind === 'pair' ? [scene.first, scene.second].sort() : [scene.concept];
}
