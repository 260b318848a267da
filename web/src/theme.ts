/** Light, dark or as the system has it. public/theme.js does the same as `show` before the first paint. */
import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const storageKey = 'duet-theme';
const order: readonly Theme[] = ['system', 'light', 'dark'];
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

export const theme = signal<Theme>(keptTheme());
systemIsDark.addEventListener('change', show);

export function switchTheme(): void {
  const next = order[(order.indexOf(theme.value) + 1) % order.length] ?? 'system';
  theme.value = next;
  show();
  try {
    if (next === 'system') localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, next);
  } catch {
    // Storage may be forbidden: the choice holds until the page is left.
  }
}

function show(): void {
  const system = systemIsDark.matches ? 'dark' : 'light';
  document.documentElement.dataset['theme'] = theme.value === 'system' ? system : theme.value;
}

function keptTheme(): Theme {
  try {
    const kept = localStorage.getItem(storageKey);
    return kept === 'light' || kept === 'dark' ? kept : 'system';
  } catch {
    return 'system';
  }
}
