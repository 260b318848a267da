/** The tabs, as the ARIA pattern has them: one stop for Tab, arrows move. At the bottom of the screen on phones. */
import { openTab } from '../actions.ts';
import type { TabId } from '../form.ts';
import * as state from '../state.ts';
import { TabIcon } from './icons.tsx';

const names = {
  draw: 'Draw',
  describe: 'Describe',
  imagine: 'Imagine',
  vary: 'Vary & Mix',
  inpaint: 'Inpaint',
} as const satisfies Record<TabId, string>;

export function TabBar() {
  const move = (event: KeyboardEvent) => {
    const place = state.tabIds.indexOf(state.tab.value);
    const last = state.tabIds.length - 1;
    const steps: Record<string, number> = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const id = state.tabIds[(next + state.tabIds.length) % state.tabIds.length]!;
    openTab(id);
    document.getElementById(`tab-${id}`)?.focus();
  };
  return (
    <div class="tab-bar" role="tablist" aria-label="What to do" onKeyDown={move}>
      {state.tabIds.map(id => {
        const selected = id === state.tab.value;
        return (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            aria-controls="panel"
            aria-selected={selected}
            tabIndex={selected ? 0 : -1}
            onClick={() => openTab(id)}
          >
            <TabIcon tab={id} />
            <span>{names[id]}</span>
          </button>
        );
      })}
    </div>
  );
}
