/** Clamping of predicted samples, for models of pixels. */
export interface ClipOptions {
  /** Clamp each predicted sample to [-clip, clip]; for models of pixels. @default no clamp */
  readonly clip?: number;
}

export function clamp(x0: Float32Array, clip: number): Float32Array {
  return x0.map(value => Math.min(Math.max(value, -clip), clip));
}
