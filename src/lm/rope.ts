/**
 * Angles of rotary position embeddings (Su et al. 2021, arXiv 2104.09864) and the scalings by which models read further than
 * they were trained: linear (Chen et al. 2023, arXiv 2306.15595), dynamic (bloc97 2023), Llama 3.1's, and YaRN (Peng et al.
 * 2023, arXiv 2309.00071, section 3). Symbols: d width of a head, k = 0 ... d/2 - 1 the pair of elements.
 */
import * as tf from '@tensorflow/tfjs';
import Type from 'typebox';

const factor = Type.Number({ minimum: 1 });
const positive = Type.Number({ exclusiveMinimum: 0 });
const closed = { additionalProperties: false } as const;

export const ropeSchema = Type.Object(
  {
    base: positive,
    scaling: Type.Optional(
      Type.Union([
        Type.Object({ kind: Type.Literal('linear'), factor }, closed),
        /** Grows with what is read beyond `originalPositions`. */
        Type.Object({ kind: Type.Literal('dynamic'), factor, originalPositions: positive }, closed),
        Type.Object(
          {
            kind: Type.Literal('llama3'),
            factor,
            lowFrequencyFactor: positive,
            highFrequencyFactor: positive,
            originalPositions: positive,
          },
          closed,
        ),
        Type.Object(
          {
            kind: Type.Literal('yarn'),
            factor,
            originalPositions: positive,
            /** Turns within `originalPositions` above which a frequency stays, and below which it is divided by the factor. */
            fastTurns: positive,
            slowTurns: positive,
            /** Whether the bounds between the two are whole numbers. */
            truncate: Type.Boolean(),
            /** Multiplies queries and keys. */
            magnitude: positive,
          },
          closed,
        ),
      ]),
    ),
  },
  closed,
);

export type Rope = Type.Static<typeof ropeSchema>;

/** Cosines and sines of every position's angles, [B, N, d/2]. */
export interface Angles {
  readonly cos: tf.Tensor;
  readonly sin: tf.Tensor;
}

/** @param positions int32 [B, N] */
export function ropeAngles(positions: tf.Tensor, width: number, rope: Rope): Angles {
  const [batch, length] = positions.shape as [number, number];
  const frequencies = tf.tensor(ropeFrequencies(width, rope)); // [d/2]
  const scaling = rope.scaling;
  const scaled = scaling?.kind === 'dynamic' ? frequencies.mul(dynamicScale(positions, width, scaling)) : frequencies;
  const angles = tf.mul(positions.toFloat().reshape([batch, length, 1]), scaled); // [B, N, d/2]
  const [cos, sin] = [angles.cos(), angles.sin()];
  if (scaling?.kind !== 'yarn' || scaling.magnitude === 1) return { cos, sin };
  return { cos: cos.mul(scaling.magnitude), sin: sin.mul(scaling.magnitude) };
}

/** Radians by which pair k turns from one position to the next, [d/2], in the roundings of float32 that the original makes. */
export function ropeFrequencies(width: number, { base, scaling }: Rope): Float32Array {
  const plain = Float32Array.from(
    { length: width / 2 },
    (_, k) => 1 / Math.fround(base ** Math.fround((2 * k) / width)),
  );
  switch (scaling?.kind) {
    case undefined:
    case 'dynamic':
      return plain;
    case 'linear':
      return plain.map(frequency => frequency / scaling.factor);
    case 'llama3': {
      const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
      return plain.map(frequency => {
        const turns = (originalPositions * frequency) / (2 * Math.PI);
        const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)));
        return kept * frequency + ((1 - kept) * frequency) / factor;
      });
    }
    case 'yarn': {
      const { factor, originalPositions, fastTurns, slowTurns, truncate } = scaling;
      /** The pair, as a fraction, that turns so often within the original positions. */
      const pairOf = (turns: number) =>
        (width * Math.log(originalPositions / (turns * 2 * Math.PI))) / (2 * Math.log(base));
      const [first, last] = [pairOf(fastTurns), pairOf(slowTurns)];
      const low = Math.max(truncate ? Math.floor(first) : first, 0);
      const high = Math.min(truncate ? Math.ceil(last) : last, width - 1);
      const span = high === low ? 0.001 : high - low;
      return plain.map((frequency, k) => {
        const divided = Math.min(1, Math.max(0, (k - low) / span));
        return (1 - divided) * frequency + (divided * frequency) / factor;
      });
    }
  }
}

/** What the frequencies of each row are multiplied by, [B, 1, d/2]: 1 as long as the row is no longer than the original. */
function dynamicScale(
  positions: tf.Tensor,
  width: number,
  { factor, originalPositions }: { readonly factor: number; readonly originalPositions: number },
): tf.Tensor {
  const longest = tf.maximum(positions.max(1).toFloat().add(1), originalPositions).reshape([-1, 1, 1]);
  const ratio = longest.mul(factor / originalPositions).sub(factor - 1);
  const exponents = Float32Array.from({ length: width / 2 }, (_, k) => (-2 * k) / (width - 2));
  return tf.pow(ratio, tf.tensor(exponents).reshape([1, 1, width / 2]));
}
