/** Batches in which several dialogues share a row: little of the work is spent on padding. */
import { float32, type HostTensor } from '../../core/host-tensor.ts';
import type { Pixels } from '../../image/index.ts';
import { type TokenisedDialogue, vectorId } from './dialogue-tokens.ts';

export interface PackedShape {
  readonly rows: number;
  /** Positions of a row. */
  readonly length: number;
  /** Most pictures that are given, and that are drawn; places left over are empty. */
  readonly given: number;
  readonly drawn: number;
  /** Positions of a picture that is given. */
  readonly vectors: number;
  /** Vokens of a picture. */
  readonly vokens: number;
  /** Tokens of the language model. */
  readonly vocabularySize: number;
}

export interface PackedBatch {
  readonly inputs: {
    /** int32 [B, L]: a token's id, or behind those the number of a vector among those of all given pictures. */
    readonly sources: HostTensor;
    /** int32 [B, L]: the dialogue of a position, 0 where there is none. */
    readonly segments: HostTensor;
    /** int32 [B, L] */
    readonly labels: HostTensor;
    /** [B, L] */
    readonly weights: HostTensor;
    /** int32 [K V]: positions in all rows together of the states that predict each voken. */
    readonly places: HostTensor;
    /** [K]: 1 where there is a picture. */
    readonly present: HostTensor;
  };
  /** At most `given`. */
  readonly given: readonly (() => Pixels | Promise<Pixels>)[];
  /** At most `drawn`. */
  readonly captions: readonly (string | undefined)[];
}

/** How many dialogues that do not fit are tried before a batch is full. */
const patience = 8;

/**
 * Takes dialogues while there is room for them; what does not fit is left out, as is one longer than a row.
 * @param next the next dialogue, undefined when there are no more
 */
export async function packDialogues(
  next: () => Promise<TokenisedDialogue | undefined>,
  shape: PackedShape,
): Promise<PackedBatch> {
  const { rows, length, vectors, vokens, vocabularySize } = shape;
  const whole = () => new Int32Array(rows * length);
  const [sources, segments, labels] = [whole(), whole(), whole()];
  const weights = new Float32Array(rows * length);
  const places = new Int32Array(shape.drawn * vokens);
  const given: PackedBatch['given'][number][] = [];
  const captions: (string | undefined)[] = [];
  const used = new Array<number>(rows).fill(0);
  let segment = 0;
  for (let refused = 0; refused < patience; ) {
    const dialogue = await next();
    if (!dialogue) break;
    const row = used.findIndex(taken => taken + dialogue.ids.length <= length);
    const fits =
      given.length + dialogue.given.length <= shape.given && captions.length + dialogue.drawn.length <= shape.drawn;
    if (row < 0 || !fits) {
      refused++;
      continue;
    }
    const start = row * length + used[row]!;
    used[row]! += dialogue.ids.length;
    segment++;
    let vector = vocabularySize + given.length * vectors;
    for (const [index, id] of dialogue.ids.entries()) {
      const at = start + index;
      segments[at] = segment;
      sources[at] = id === vectorId ? vector++ : id;
      if (!dialogue.counts[index]) continue;
      labels[at] = id;
      weights[at] = 1;
    }
    given.push(...dialogue.given);
    for (const { position, caption } of dialogue.drawn) {
      for (let k = 0; k < vokens; k++) places[captions.length * vokens + k] = start + position - 1 + k;
      captions.push(caption);
    }
  }
  const ofRows = (data: Int32Array<ArrayBuffer>): HostTensor => ({ dtype: 'int32', shape: [rows, length], data });
  return {
    inputs: {
      sources: ofRows(sources),
      segments: ofRows(segments),
      labels: ofRows(labels),
      weights: float32([rows, length], weights),
      places: { dtype: 'int32', shape: [places.length], data: places },
      present: float32(
        [shape.drawn],
        Float32Array.from({ length: shape.drawn }, (_, k) => (k < captions.length ? 1 : 0)),
      ),
    },
    given,
    captions,
  };
}
