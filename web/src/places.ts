/** Addresses within the page: a path for each tab, and as a query what lies over it. Pure. */
import { type TabId, tabIds } from './calls.ts';

/** A sample of a job that is open in the viewer. */
export interface Viewed {
  readonly jobId: string;
  readonly index: number;
}

export interface Place {
  readonly tab: TabId;
  /** What lies over the tab, if anything does: a picture or caption in the viewer, or the form as a program. */
  readonly over: Viewed | 'code' | null;
}

type Address = Pick<URL, 'pathname' | 'search' | 'hash'>;

/** Tabs were written as #draw before they had paths; such links still work. A short link to a job is #job/ID. */
export function placeOf({ pathname, search, hash }: Address): Place {
  const names = [pathname.replaceAll('/', ''), hash.slice(1)];
  const tab = tabIds.find(id => names.includes(id)) ?? 'draw';
  const [, jobId] = /^#job\/([^/]+)$/.exec(hash) ?? [];
  if (jobId) return { tab, over: { jobId, index: 0 } };
  return { tab, over: overlayOf(new URLSearchParams(search)) };
}

export function addressOf({ tab, over }: Place): string {
  if (over === null) return `/${tab}`;
  if (over === 'code') return `/${tab}?code`;
  return `/${tab}?${new URLSearchParams({ job: over.jobId, sample: String(over.index) })}`;
}

function overlayOf(query: URLSearchParams): Place['over'] {
  if (query.has('code')) return 'code';
  const jobId = query.get('job');
  if (!jobId) return null;
  const index = Number(query.get('sample'));
  return { jobId, index: Number.isSafeInteger(index) && index >= 0 ? index : 0 };
}
