/**
 * What makes tokens of the pieces of a text. All kinds take time that grows with the text alone (n log n for byte pairs), whatever it
 * holds: texts are anybody's, and `@huggingface/tokenizers` takes a hundred times as long for some as for others.
 */

/** The tokens of pieces, one after the other; those that the vocabulary lacks stand for something unknown. */
export type PieceModel = (pieces: readonly string[]) => string[];
