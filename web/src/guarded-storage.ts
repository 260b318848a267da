/** The browser's storage, which may be full or forbidden, and hold what another program or an older page wrote. */

export interface GuardedStorage {
  keys(): readonly string[];
  read(key: string): string | null;
  /** false: it does not fit, or may not be kept. */
  write(key: string, value: string): boolean;
  remove(key: string): void;
}

/** `open` gives the storage, or throws where the browser forbids it: then nothing is kept. */
export function guarded(open: () => Storage): GuardedStorage {
  const attempt = <T>(act: (storage: Storage) => T, otherwise: T): T => {
    try {
      return act(open());
    } catch {
      return otherwise;
    }
  };
  return {
    keys: () => attempt(storage => Array.from({ length: storage.length }, (_, place) => storage.key(place) ?? ''), []),
    read: key => attempt(storage => storage.getItem(key), null),
    write: (key, value) =>
      attempt(storage => {
        storage.setItem(key, value);
        return true;
      }, false),
    remove: key => attempt(storage => storage.removeItem(key), undefined),
  };
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** undefined where the text is no JSON, or not what is expected. */
export function parsed<T>(text: string | null, isExpected: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isExpected(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
