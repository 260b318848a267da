/** The page's start: connects to the server beside it and renders. */
import { render } from 'preact';
import { connect, watchJobs } from './actions.ts';
import { App } from './app.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/layout.css';
import './styles/stage.css';
import './styles/dialogs.css';

render(<App />, document.getElementById('app')!);
watchJobs();
void connect();
