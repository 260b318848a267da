/**
 * Batches for training a language model to draw (Zheng et al., arXiv 2310.02239, section 3.3): prompts with pictures, the
 * answers behind them, which of their tokens count, and where their vokens stand.
 */
import { DuetError } from '../core/errors.ts';
import { float32, type HostTensor } from '../core/host-tensor.ts';
import { placeImages } from '../lm/index.ts';

export interface TrainingSample {
  /** The prompt's tokens, a placeholder for each picture. */
  readonly source: readonly number[];
  /** The answer's tokens; all vokens of a picture one behind the other. */
  readonly target: readonly number[];
  /** The vectors of each picture of the prompt, [N, W]. */
  readonly images: readonly Float32Array[];
}

export interface TrainingTokens {
  readonly vokens: readonly number[];
  readonly image: number;
  /** Tokens that begin a text. */
  readonly before: readonly number[];
  /** W, that of the language model's embeddings. */
  readonly width: number;
  /** L. @default that of the longest sample */
  readonly length?: number;
}

export interface TrainingBatch {
  /** int32 [B, L]; -1 where a vector stands, or nothing. */
  readonly ids: HostTensor;
  /** [B, L, W] */
  readonly vectors: HostTensor;
  /** int32 [B, L], 1 = there is a token or a vector. */
  readonly mask: HostTensor;
  /** int32 [B, L]: the tokens, 0 where none counts. */
  readonly labels: HostTensor;
  /** [B, L]: 1 where the prediction of this token counts. */
  readonly weights: HostTensor;
  /** Where the first voken of each picture stands, row by row. */
  readonly pictures: readonly { readonly row: number; readonly position: number }[];
}

/**
 * The samples side by side, filled up on the right. The answer's tokens count, of a picture's vokens the first and the last:
 * those between are never chosen, as all are read once the first one is there.
 * @throws DuetError 'invalid-argument' if a prompt has more or fewer places than pictures, or a sample is longer than `length`
 */
export function trainingBatch(samples: readonly TrainingSample[], tokens: TrainingTokens): TrainingBatch {
  const { vokens, image: placeholder, before, width } = tokens;
  const rows = samples.map(({ source, target, images }) => {
    const ids = [...before, ...source, ...target];
    return { ...placeImages(ids, { placeholder, images, width }), answer: target.length };
  });
  const longest = Math.max(...rows.map(({ ids }) => ids.length));
  const [batch, length] = [rows.length, tokens.length ?? longest];
  if (longest > length) {
    throw new DuetError('invalid-argument', `A sample takes ${longest} positions of ${length}: make it shorter`);
  }
  const whole = (value: number) => new Int32Array(batch * length).fill(value);
  const [ids, mask, labels] = [whole(-1), whole(0), whole(0)];
  const weights = new Float32Array(batch * length);
  const vectors = new Float32Array(batch * length * width);
  const pictures: { row: number; position: number }[] = [];
  const silent = new Set(vokens.slice(1, -1));
  for (const [row, { ids: own, vectors: given, answer }] of rows.entries()) {
    ids.set(own, row * length);
    if (given) vectors.set(given, row * length * width);
    for (const [position, id] of own.entries()) {
      const at = row * length + position;
      mask[at] = 1;
      if (position < own.length - answer || silent.has(id)) continue;
      labels[at] = id;
      weights[at] = 1;
      if (id === vokens[0]) pictures.push({ row, position });
    }
  }
  const shape = [batch, length];
  return {
    ids: { dtype: 'int32', shape, data: ids },
    vectors: float32([...shape, width], vectors),
    mask: { dtype: 'int32', shape, data: mask },
    labels: { dtype: 'int32', shape, data: labels },
    weights: float32(shape, weights),
    pictures,
  };
}
