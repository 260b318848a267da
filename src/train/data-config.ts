/** What training configurations say of their data. */
import Type, { type Static } from 'typebox';

const closed = { additionalProperties: false } as const;
const positive = Type.Integer({ minimum: 1 });
const fraction = Type.Number({ minimum: 0, maximum: 1 });

/** How often each kind of scene is drawn: one large object, one small one, a pair, several of one kind. */
const sharesSchema = Type.Object({ large: fraction, small: fraction, pair: fraction, count: fraction }, closed);

/** Pictures with captions. */
export const dataConfigSchema = Type.Union([
  Type.Object(
    {
      source: Type.Literal('scenes'),
      /** Side in pixels. */
      size: positive,
      /** How many scenes; scene i is drawn from (seed, i) when it is needed. */
      count: positive,
      seed: Type.Integer({ minimum: 0 }),
      shares: Type.Optional(sharesSchema),
      /** Fraction of captions in the canonical wording. */
      canonicalShare: fraction,
      /** Every object is moved by up to a pixel. @default false */
      jitter: Type.Optional(Type.Boolean()),
      /** Item 2 k + 1 differs from item 2 k in one part, and batches are made of such couples. @default false */
      neighbours: Type.Optional(Type.Boolean()),
    },
    closed,
  ),
  Type.Object({ source: Type.Literal('folder'), size: positive, path: Type.String() }, closed),
]);
export type DataConfig = Static<typeof dataConfigSchema>;

/** Dialogues with pictures. */
export const dialogueDataSchema = Type.Object(
  {
    source: Type.Literal('scene-dialogues'),
    /** Side of the pictures in pixels. */
    size: positive,
    /** How many dialogues; dialogue i is made from (seed, i) when it is needed. */
    count: positive,
    seed: Type.Integer({ minimum: 0 }),
    /** The fraction of dialogues that are quizzes: one picture and many questions about it. @default 0 */
    quizzes: Type.Optional(fraction),
    /** Kinds of the scenes that quizzes are about. */
    quizShares: Type.Optional(sharesSchema),
  },
  closed,
);

/** Prompts with answers, of one's own data; paths are relative to the working folder. */
export const answerDataSchema = Type.Union([
  Type.Object(
    {
      /** Pictures with captions, as `duet train --data` finds them. */
      source: Type.Literal('captions'),
      path: Type.String({ minLength: 1 }),
      /** Captions are cleaned as CC3M's are. */
      clean: Type.Boolean(),
      /** Of every so many pictures one is asked for in a sentence as well; 0: none. */
      requestEvery: Type.Integer({ minimum: 0 }),
    },
    closed,
  ),
  Type.Object(
    {
      /** Stories (VIST), or conversations (MMDialog), of the split's files in the folder. */
      source: Type.Union([Type.Literal('stories'), Type.Literal('conversations')]),
      path: Type.String({ minLength: 1 }),
      split: Type.String({ pattern: '^[A-Za-z0-9_-]+$' }),
    },
    closed,
  ),
  /** A file of dialogues: `{"messages": [{"role", "content"}]}` on each line. */
  Type.Object({ source: Type.Literal('messages'), path: Type.String({ minLength: 1 }) }, closed),
]);
export type AnswerData = Static<typeof answerDataSchema>;
