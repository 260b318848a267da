/** Where things are kept that can be made again: `DUET_CACHE`, or duet/ in the user's cache folder. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The folder of the cache for one kind of things. @default ~/.cache/duet/KIND */
export function cacheFolder(kind: 'graphs' | 'weights', environment: NodeJS.ProcessEnv = process.env): string {
  const root = environment['DUET_CACHE'] || join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'duet');
  return join(root, kind);
}
