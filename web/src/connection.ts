/** Connects to the server, and looks again while it is away. */
import { effect } from '@preact/signals';
import { toFault } from './faults.ts';
import { readHistory } from './job-feed.ts';
import { api, capabilities, serverFault } from './state.ts';

const pauseBeforeLooking = 4_000;

/** Capabilities and history; again after a key was given or the server came back. */
export async function connect(): Promise<void> {
  try {
    capabilities.value = await api.capabilities();
    await readHistory();
    serverFault.value = null;
  } catch (error) {
    serverFault.value = toFault(error);
  }
}

/** While the server is away, looks again by itself where it may come back by itself. */
export function keepConnecting(): void {
  effect(() => {
    const status = serverFault.value?.status;
    if (status !== 0 && status !== 503) return;
    const timer = setTimeout(() => void connect(), pauseBeforeLooking);
    return () => clearTimeout(timer);
  });
  void connect();
}
