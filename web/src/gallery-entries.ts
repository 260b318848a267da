/** The history as the gallery shows it: one entry per picture, but one for all captions of a picture and all frames of a mix. */
import type { JobState } from './job-state.ts';

export interface GalleryEntry {
  readonly job: JobState;
  /** The sample shown. */
  readonly index: number;
  readonly kind: 'picture' | 'words' | 'frames';
}

export function galleryEntries(jobs: readonly JobState[]): GalleryEntry[] {
  return jobs.flatMap((job): GalleryEntry[] => {
    if (job.samples.length === 0) return [];
    if (job.mode === 'interpolate') return [{ job, index: 0, kind: 'frames' }];
    const pictured = job.samples.flatMap(({ url }, index): GalleryEntry[] =>
      url ? [{ job, index, kind: 'picture' }] : [],
    );
    return pictured.length > 0 ? pictured : [{ job, index: 0, kind: 'words' }];
  });
}
