/** Dialogues in requests: how long they may be, and how the native API writes them. */
import Type, { type Static } from 'typebox';

export const mostMessages = 1000;
/** Of one message. */
export const mostParts = 100;
/** Of all messages together. Each is decoded before anything is queued. */
export const mostPictures = 32;
/** Of all messages together: several times what a model reads. */
export const mostCharacters = 200_000;

const part = Type.Object(
  {
    type: Type.Enum(['text', 'image']),
    text: Type.Optional(Type.String({ maxLength: mostCharacters })),
    image: Type.Optional(Type.Unsafe<unknown>({ description: 'A picture: base64 text or a data URL' })),
  },
  { additionalProperties: false },
);

const message = Type.Object(
  {
    role: Type.Enum(['system', 'user', 'assistant']),
    content: Type.Union([Type.String({ maxLength: mostCharacters }), Type.Array(part, { maxItems: mostParts })]),
  },
  { additionalProperties: false },
);

export const dialogueField = Type.Array(message, {
  minItems: 1,
  maxItems: mostMessages,
  description:
    `The dialogue, whose last message is the user's: texts, or lists of {"type": "text", "text": ...} and {"type": "image", ` +
    `"image": ...}; at most ${mostPictures} pictures and ${mostCharacters} characters in all`,
});

export type Dialogue = Static<typeof dialogueField>;
