/** Sizes of a visual front end: an image tower, and the connector from its states to vectors for a language model. */
import Type from 'typebox';

const size = Type.Integer({ minimum: 1 });
const epsilon = Type.Number({ exclusiveMinimum: 0 });
const activation = Type.Union([
  Type.Literal('erf'),
  Type.Literal('tanh'),
  Type.Literal('quick'),
  Type.Literal('relu'),
  Type.Literal('silu'),
]);
const blockFields = { width: size, layers: size, heads: size, mlpWidth: size, activation, epsilon };

const towerConfigSchema = Type.Object(
  {
    ...blockFields,
    imageSize: size,
    patchSize: size,
    channels: size,
    patchBias: Type.Boolean(),
    preNorm: Type.Boolean(),
    biases: Type.Union([Type.Literal('all'), Type.Literal('query-value'), Type.Literal('none')]),
    /**
     * After how many layers states are taken, each from 0 to `layers`; those of several stand side by side. More layers than the
     * largest of them would be of no use.
     */
    featureLayers: Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 }),
    /** Whether the class token's state is among them. */
    classToken: Type.Boolean(),
  },
  { additionalProperties: false },
);

const qFormerConfigSchema = Type.Object(
  {
    ...blockFields,
    queries: size,
    /** Every how many layers, from the first on, the queries look at the image. */
    crossEvery: size,
    /** Present where it also reads an instruction (InstructBLIP). */
    text: Type.Optional(Type.Object({ vocabularySize: size, positions: size }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);

const connectorConfigSchema = Type.Object(
  {
    /** Of a norm of the tower's states; absent: none. */
    normEpsilon: Type.Optional(epsilon),
    /** Absent: each of the tower's states becomes a vector. */
    qFormer: Type.Optional(qFormerConfigSchema),
    projection: Type.Object(
      {
        /** That of the language model's embeddings. */
        width: size,
        bias: Type.Boolean(),
        /** Of a perceptron with a hidden layer of the same width; absent: one linear layer. */
        activation: Type.Optional(activation),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

export const visualFrontEndConfigSchema = Type.Object(
  { tower: towerConfigSchema, connector: connectorConfigSchema },
  { additionalProperties: false },
);

export type TowerConfig = Type.Static<typeof towerConfigSchema>;
export type QFormerConfig = Type.Static<typeof qFormerConfigSchema>;
export type ConnectorConfig = Type.Static<typeof connectorConfigSchema>;
export type VisualFrontEndConfig = Type.Static<typeof visualFrontEndConfigSchema>;
