/** A store that forgets everything when the process ends, for `--data none` and tests. */
import type { JobStore } from './store.ts';

export function memoryStore(): JobStore {
  const files = new Map<string, Map<string, Uint8Array>>();
  return {
    load: async () => [],
    save: async () => {},
    writeFile: async (id, name, bytes) => {
      const folder = files.get(id) ?? new Map<string, Uint8Array>();
      files.set(id, folder.set(name, bytes));
    },
    readFile: async (id, name) => files.get(id)?.get(name),
    removeFiles: async (id, names) => {
      for (const name of names) files.get(id)?.delete(name);
    },
    remove: async id => {
      files.delete(id);
    },
    probe: async () => {},
    close: async () => {},
  };
}
