/** What evaluation asks of a model: the five distributions, the embeddings and the autoencoder, all in plain values. */

/** How one call samples. Item i of a call is drawn from seed + i alone. */
export interface SampleSettings {
  readonly seed: number;
  /** Solver steps; the model's own default when left out. */
  readonly steps?: number;
  /** Guidance, 1 = off; the model's own default when left out. */
  readonly guidance?: number;
  readonly signal?: AbortSignal;
}

/** A picture and its caption, sampled together. */
export interface JointSample {
  readonly caption: string;
  readonly pixels: Uint8Array;
}

/** Pictures are RGB bytes of shape [size, size, 3], size being that of the scenes' sprites. */
export interface EvalModel {
  textToImage(captions: readonly string[], settings: SampleSettings): Promise<Uint8Array[]>;
  imageToText(pictures: readonly Uint8Array[], settings: SampleSettings): Promise<string[]>;
  joint(count: number, settings: SampleSettings): Promise<JointSample[]>;
  image(count: number, settings: SampleSettings): Promise<Uint8Array[]>;
  text(count: number, settings: SampleSettings): Promise<string[]>;
  /** CLIP embeddings, any length, normalised or not. */
  embedText(captions: readonly string[]): Promise<Float32Array[]>;
  embedImage(pictures: readonly Uint8Array[]): Promise<Float32Array[]>;
  /** Autoencoder: encode (mean) and decode. */
  reconstruct(pictures: readonly Uint8Array[]): Promise<Uint8Array[]>;
}
