/** Sizes of the U-ViT networks (Bao et al., arXiv 2209.12152 and 2303.06555; docs/reference/unidiffuser.md). */
import Type, { type Static } from 'typebox';

const positive = Type.Integer({ minimum: 1 });
const closed = { additionalProperties: false } as const;

/** What both networks have. */
const trunk = {
  /** Side of the latent image in latent pixels; positions are interpolated for other sizes. */
  latentSize: positive,
  latentChannels: positive,
  /** Side of a patch in latent pixels; a patch is one token. */
  patchSize: positive,
  /** Features of a token (D). */
  width: positive,
  /** Even; there are depth / 2 blocks going in, one in the middle, depth / 2 going out. */
  depth: Type.Integer({ minimum: 0, multipleOf: 2 }),
  heads: positive,
  /** Hidden width of the perceptron, as a multiple of `width`. */
  mlpRatio: Type.Number({ exclusiveMinimum: 0 }),
  qkvBias: Type.Optional(Type.Boolean()),
  /** A learned map after the sinusoids of the timestep. */
  timeMlp: Type.Optional(Type.Boolean()),
};

/** The joint noise predictor of UniDiffuser. */
export const jointUvitConfigSchema = Type.Object(
  {
    ...trunk,
    /** Features of the CLIP image embedding, which is one token. */
    clipDim: positive,
    /** Features of a text latent. */
    textDim: positive,
    /** Positions of a text latent. */
    textTokens: positive,
    /** UniDiffuser v1: a token for the kind of data (0 = web, 1 = curated). */
    dataTypeToken: Type.Optional(Type.Boolean()),
    /** A 3 x 3 convolution over the assembled image, which smooths the seams between patches. */
    finalConv: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type JointUvitConfig = Static<typeof jointUvitConfigSchema>;

/** The plain U-ViT: an image, a timestep and at most one condition. */
export const uvitConfigSchema = Type.Object(
  {
    ...trunk,
    /** Class labels, the "no class" label included; absent: no label. */
    classes: Type.Optional(positive),
    /** A text condition of `tokens` vectors of `dim` features; absent: none. */
    context: Type.Optional(Type.Object({ dim: positive, tokens: positive }, closed)),
    /** A 3 x 3 convolution over the assembled image. */
    finalConv: Type.Boolean(),
    /** The long connections that make it a U. @default true */
    skip: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type UvitConfig = Static<typeof uvitConfigSchema>;

/** Patches along one side of the default image. */
export function gridSize(config: { readonly latentSize: number; readonly patchSize: number }): number {
  return Math.floor(config.latentSize / config.patchSize);
}
