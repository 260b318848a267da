/** The pictures that a request brings, as files beside its record and on the way to workers: the one place of their names. */
import type { JobRequest, JobRequestView } from './types.ts';

/** By name, in a fixed order: `image`, `image2`, `mask`, and `picture0`, `picture1`, ... of a dialogue. */
export type JobFiles = Readonly<Record<string, Uint8Array>>;

/** The picture that a dialogue calls `index`. */
export function pictureName(index: number): string {
  return `picture${index}`;
}

/** A request taken apart into what is shown and stored of it, and its files. */
export function separateFiles(request: JobRequest): { readonly shown: JobRequestView; readonly files: JobFiles } {
  const { image, image2, mask, pictures = [], ...shown } = request;
  const files = {
    ...(image && { image }),
    ...(image2 && { image2 }),
    ...(mask && { mask }),
    ...Object.fromEntries(pictures.map((bytes, index) => [pictureName(index), bytes])),
  };
  return { shown, files };
}

/** The request that was taken apart. */
export function withFiles(shown: JobRequestView, { image, image2, mask, ...others }: JobFiles): JobRequest {
  const pictures = Object.values(others); // in the order of their names
  return {
    ...shown,
    ...(image && { image }),
    ...(image2 && { image2 }),
    ...(mask && { mask }),
    ...(pictures.length > 0 && { pictures }),
  };
}
