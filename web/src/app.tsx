/** The frame around the tabs: header, the open tab, gallery, and what lies over them. */
import type { ComponentChildren } from 'preact';
import type { TabId } from './calls.ts';
import { CallTab } from './components/call-tab.tsx';
import { ChatTab } from './components/chat/chat-tab.tsx';
import { CodeDialog } from './components/code-dialog.tsx';
import { DropVeil } from './components/drop-veil.tsx';
import { Gallery } from './components/gallery.tsx';
import { Notices } from './components/notices.tsx';
import { ServerFault } from './components/server-fault.tsx';
import { TabBar } from './components/tab-bar.tsx';
import { ThemeSwitch } from './components/theme-switch.tsx';
import { UnderWay } from './components/under-way.tsx';
import { Viewer } from './components/viewer.tsx';
import { openTab } from './navigation.ts';
import * as state from './state.ts';

export function App() {
  const id = state.shownTab.value;
  const goHome = (event: MouseEvent) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openTab(state.shownTabs.value[0] ?? 'draw');
  };
  return (
    <>
      <header class="top">
        <a class="brand" href="/" aria-label="Duet, start page" onClick={goHome}>
          <Mark />
          <span>Duet</span>
        </a>
        <TabBar />
        <div class="top-tools">
          <ModelName />
          <ThemeSwitch />
        </div>
      </header>
      <main>
        <ServerFault />
        <Panel id={id}>{id === 'chat' ? <ChatTab /> : <CallTab key={id} tab={id} />}</Panel>
        <UnderWay />
        {state.keepsResults.value && <Gallery />}
      </main>
      <footer class="foot">
        <p>Everything happens on this server. Nothing is sent anywhere else.</p>
        <a href="/docs">API reference</a>
      </footer>
      <Viewer />
      <CodeDialog />
      {!state.isCovered.value && <Notices />}
      <DropVeil />
      <p class="unseen" role="status">
        {state.spoken}
      </p>
    </>
  );
}

/** A model with one tab has no bar of tabs. */
function Panel({ id, children }: { id: TabId; children: ComponentChildren }) {
  if (state.shownTabs.value.length < 2) return <div>{children}</div>;
  return (
    <div role="tabpanel" id="panel" aria-labelledby={`tab-${id}`}>
      {children}
    </div>
  );
}

function ModelName() {
  const model = state.capabilities.value?.model;
  const busy = state.busyCount.value;
  if (!model) return null;
  const [look, title] = state.serverFault.value
    ? ['is-away', 'Away']
    : busy > 0
      ? ['is-busy', `${busy} running or waiting`]
      : ['is-ready', 'Ready'];
  return (
    <span class="model-name" title={title}>
      <span class={`lamp ${look}`} aria-hidden="true" />
      {model}
    </span>
  );
}

/** The logo: two circles that overlap. */
function Mark() {
  return (
    <svg viewBox="0 0 32 24" width="34" height="26" aria-hidden="true">
      <circle cx="11" cy="12" r="10" fill="var(--words)" />
      <circle cx="21" cy="12" r="10" fill="var(--pictures)" />
      <path d="M16 3.34a10 10 0 0 1 0 17.32 10 10 0 0 1 0-17.32Z" fill="var(--both)" />
    </svg>
  );
}
