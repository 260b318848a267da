/** Sizes of the convolutional U-Net of latent diffusion (Rombach et al., arXiv 2112.10752, section 3.2; diffusers' UNet2DConditionModel). */
import Type, { type Static } from 'typebox';

const positive = Type.Integer({ minimum: 1 });
const closed = { additionalProperties: false } as const;

/**
 * What follows each residual block of a level: nothing, self-attention over the pixels, a transformer that attends to
 * the pixels and then to the context, or one that attends to the context twice (the upscaler of Stable Diffusion 2).
 */
const attentionSchema = Type.Enum(['none', 'self', 'cross', 'cross-only']);
export type LevelAttention = Static<typeof attentionSchema>;

const levelSchema = Type.Object(
  {
    /** Features at this resolution; a multiple of `normGroups` and of `heads`. */
    width: positive,
    /** Residual blocks on the way down; there is one more on the way up. */
    blocks: positive,
    down: attentionSchema,
    up: attentionSchema,
    /** Of every attention of the level. @default 1 */
    heads: Type.Optional(positive),
    /** Layers of each transformer. @default 1 */
    layers: Type.Optional(positive),
  },
  closed,
);
export type UnetLevel = Static<typeof levelSchema>;

/** A condition beside the timestep, which reaches every residual block: a label, a second timestep, or features. */
const classSchema = Type.Union([
  Type.Object({ kind: Type.Literal('labels'), count: positive }, closed),
  /** A number on the scale of the timesteps, such as the noise level of an upscaler's input. */
  Type.Object({ kind: Type.Literal('timestep') }, closed),
  /** Features [B, width], as they are (`identity`), by one matrix (`linear`), or by two with SiLU between them (`mlp`). */
  Type.Object(
    { kind: Type.Literal('features'), width: positive, map: Type.Enum(['identity', 'linear', 'mlp']) },
    closed,
  ),
]);

export const unetConfigSchema = Type.Object(
  {
    inChannels: positive,
    outChannels: positive,
    /** Highest resolution first; the resolution halves from level to level. */
    levels: Type.Array(levelSchema, { minItems: 1 }),
    /** Between both ways: two residual blocks with attention between them, one residual block, or nothing. */
    mid: Type.Enum(['cross', 'self', 'block', 'none']),
    /** Features of a context vector, where some attention looks at a context. */
    contextWidth: Type.Optional(positive),
    /** Features of the conditioning vector. @default 4 times the width of the first level */
    timeWidth: Type.Optional(positive),
    /** Features of the embedded guidance scale of distilled models (Meng et al., arXiv 2210.03142); absent: none. */
    guidanceWidth: Type.Optional(positive),
    class: Type.Optional(classSchema),
    /** How class and time are joined. @default 'add' */
    classJoin: Type.Optional(Type.Enum(['add', 'concat'])),
    /** How the conditioning vector enters a residual block: added, or as factor and offset (FiLM). @default 'add' */
    conditioning: Type.Optional(Type.Enum(['add', 'scale-shift'])),
    /** Groups of the group normalisations. */
    normGroups: positive,
    /** Of the normalisations in residual blocks and before the output. @default 1e-5 */
    normEpsilon: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    /** Whether the cosines of the timestep come before its sines. @default true */
    cosineFirst: Type.Optional(Type.Boolean()),
    /** Subtracted from the number of frequencies where they are spaced. @default 0 */
    frequencyShift: Type.Optional(Type.Number()),
    /** The sum of a residual block in the middle is divided by this. @default 1 */
    midScale: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    /** Zeros around an image before its resolution is halved: on all sides, or right and below only. @default 'around' */
    downsamplePad: Type.Optional(Type.Enum(['around', 'end'])),
    /** Side of the filters of the first and of the last convolution; odd. @default 3 */
    inKernel: Type.Optional(positive),
    outKernel: Type.Optional(positive),
    /** Inputs in [0, 1] are moved to [-1, 1]. @default false */
    centerInput: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type UnetConfig = Static<typeof unetConfigSchema>;

/** Features of the embedded timestep. */
export function timeWidthOf({ timeWidth, levels }: UnetConfig): number {
  return timeWidth ?? 4 * levels[0]!.width;
}

/** Features of what reaches the residual blocks: time, or time and class side by side. */
export function conditionWidthOf(config: UnetConfig): number {
  return (config.class && config.classJoin === 'concat' ? 2 : 1) * timeWidthOf(config);
}

/** Latent pixels of the highest resolution per pixel of the lowest, along one side. */
export function reductionOf({ levels }: Pick<UnetConfig, 'levels'>): number {
  return 2 ** (levels.length - 1);
}
