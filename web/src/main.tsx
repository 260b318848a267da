/** The page's start: takes up what was kept of it, renders, and connects to the server that it came from. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { followLinksToJobs } from './actions.ts';
import { App } from './app.tsx';
import { followConversations } from './chat/follow.ts';
import { lostPictures } from './chat/state.ts';
import { keepConnecting } from './connection.ts';
import { watchJobs } from './job-feed.ts';
import { followHistory } from './navigation.ts';
import { notify } from './notices.ts';
import { ignoreClicksThrough } from './presses.ts';
import { formKeeper, forms, shownJobs } from './state.ts';
import './styles/typeface.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/stage.css';
import './styles/gallery.css';
import './styles/jobs.css';
import './styles/vocabulary.css';
import './styles/chat.css';
import './styles/dialogs.css';

followHistory();
ignoreClicksThrough(document);
effect(() => formKeeper.keepForms(forms.value));
effect(() => formKeeper.keepShown(shownJobs.value));
for (const name of [...formKeeper.lostPictures, ...lostPictures]) {
  notify(`${name} was too large to be kept while the page was loaded again: add it once more.`);
}
render(<App />, document.getElementById('app')!);
watchJobs();
followLinksToJobs();
followConversations();
keepConnecting();
