/** Calls of stand-in models that a test lets go on step by step. */

/** Lets each call pass as many steps as were opened. */
export function createGate(isOpen: boolean) {
  let opened = isOpen ? Number.POSITIVE_INFINITY : 0;
  const waiting = new Set<() => void>();
  return {
    open(steps = Number.POSITIVE_INFINITY): void {
      opened += steps;
      for (const look of [...waiting]) look();
    },
    /** No step is open any more. */
    close(): void {
      opened = 0;
    },
    pass(step: number, signal?: AbortSignal): Promise<void> {
      return new Promise(resolve => {
        const look = () => {
          if (step > opened && !signal?.aborted) return;
          waiting.delete(look);
          signal?.removeEventListener('abort', look);
          resolve();
        };
        waiting.add(look);
        signal?.addEventListener('abort', look);
        look();
      });
    },
  };
}
