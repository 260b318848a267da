/** The browser's history: tabs, the viewer and the code dialog are entries of it, so that Back and Forward lead through them. */
import { computed, effect, signal } from '@preact/signals';
import type { TabId } from './calls.ts';
import { addressOf, type Place, placeOf, type Viewed } from './places.ts';
import { tabNames } from './words.ts';

/** The state of entries that the page made for what lies over a tab: the entry before such a one is the tab alone. */
const ownOverlay = 'own-overlay';

const place = signal(placeOf(location));
export const tab = computed(() => place.value.tab);
export const viewed = computed(() => {
  const { over } = place.value;
  return over === 'code' ? null : over;
});
export const showsCode = computed(() => place.value.over === 'code');

/** Begins to follow the browser's buttons, and gives the present entry its proper address. */
export function followHistory(): void {
  history.replaceState(history.state, '', addressOf(place.value));
  addEventListener('popstate', () => {
    place.value = placeOf(location);
  });
  effect(() => {
    document.title = `${tabNames[tab.value]} – Duet`;
  });
}

const beganAtStart = location.pathname === '/' && location.search === '' && location.hash === '';

/**
 * Once it is known what tabs the model has, the first one: the start page's, and in place of one that it does not have. What
 * lies over the tab stays.
 */
export function settleTab(tabs: readonly TabId[]): void {
  const { tab: named, over } = place.value;
  const [first = named] = tabs;
  if (tabs.includes(named) && !(beganAtStart && named === 'draw')) return;
  if (first === named) return;
  place.value = { tab: first, over };
  history.replaceState(history.state, '', addressOf(place.value));
}

export function openTab(id: TabId): void {
  if (id === tab.value) closeOverlay();
  else show({ tab: id, over: null });
  scrollTo({ top: 0 });
}

export function view(over: Viewed): void {
  show({ tab: tab.value, over });
}

export function showCode(): void {
  show({ tab: tab.value, over: 'code' });
}

/** Back to the tab below, by the browser's own Back where that leads there. */
export function closeOverlay(): void {
  if (place.value.over === null) return;
  const below: Place = { tab: tab.value, over: null };
  place.value = below;
  changeHistory(() => {
    if (history.state !== ownOverlay) return history.replaceState(null, '', addressOf(below));
    return new Promise(resolve => {
      addEventListener('popstate', () => resolve(), { once: true });
      history.back();
    });
  });
}

function show(next: Place): void {
  place.value = next;
  changeHistory(() => {
    place.value = next; // a step back that came in between has set it to the tab
    const state = next.over === null ? null : ownOverlay;
    // The viewer's entry is left for good with the viewer: from the next tab, Back leads to the tab before.
    const wasOver = placeOf(location).over !== null;
    if (wasOver) history.replaceState(next.over === null ? null : history.state, '', addressOf(next));
    else history.pushState(state, '', addressOf(next));
  });
}

const changes = { last: Promise.resolve() };

/** One change after the other: a step back takes effect later than it is called for, on whatever entry is open then. */
function changeHistory(change: () => void | Promise<void>): void {
  changes.last = changes.last.then(change);
}
