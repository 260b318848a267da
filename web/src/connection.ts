/** Connects to the server, and tries again while it cannot be reached. */
import { effect } from '@preact/signals';
import { toFault } from './faults.ts';
import { readHistory } from './job-feed.ts';
import { settleTab } from './navigation.ts';
import { api, capabilities, serverFault, shownTabs } from './state.ts';

const pauseBeforeLooking = 4_000;

/** Fetches capabilities and history; it is called again after a key was given or the server can be reached again. */
export async function connect(): Promise<void> {
  try {
    const isFirst = capabilities.value === null;
    capabilities.value = await api.capabilities();
    if (isFirst) settleTab(shownTabs.value);
    await readHistory();
    serverFault.value = null;
  } catch (error) {
    serverFault.value = toFault(error);
  }
}

/** While the server cannot be reached, tries again at intervals, unless a person must act first. */
export function keepConnecting(): void {
  effect(() => {
    const status = serverFault.value?.status;
    if (status !== 0 && status !== 503) return;
    const timer = setTimeout(() => void connect(), pauseBeforeLooking);
    return () => clearTimeout(timer);
  });
  void connect();
}
