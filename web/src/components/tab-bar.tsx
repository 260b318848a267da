/** The tabs, as the ARIA pattern has them: one stop for Tab, arrows move. At the bottom of the screen on phones. */
import { openTab } from '../navigation.ts';
import { shownTab, shownTabs } from '../state.ts';
import { tabNames } from '../words.ts';
import { TabIcon } from './icons.tsx';

export function TabBar() {
  const tabIds = shownTabs.value;
  const move = (event: KeyboardEvent) => {
    const place = tabIds.indexOf(shownTab.value);
    const last = tabIds.length - 1;
    const steps: Record<string, number> = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: last };
    const next = steps[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const id = tabIds[(next + tabIds.length) % tabIds.length]!;
    openTab(id);
    document.getElementById(`tab-${id}`)?.focus();
  };
  if (tabIds.length < 2) return null;
  return (
    <div class="tab-bar" role="tablist" aria-label="What to do" onKeyDown={move}>
      {tabIds.map(id => {
        const selected = id === shownTab.value;
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
            <span>{tabNames[id]}</span>
          </button>
        );
      })}
    </div>
  );
}
