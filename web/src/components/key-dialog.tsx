/** Asks for the API key when the server wants one. */
import { useSignal } from '@preact/signals';
import { connect } from '../actions.ts';
import { apiKey, serverFault } from '../state.ts';
import { Dialog } from './dialog.tsx';

export function KeyDialog() {
  const typed = useSignal('');
  const isOpen = serverFault.value?.status === 401;
  const wasRefused = isOpen && apiKey.value !== null;
  const send = (event: Event) => {
    event.preventDefault();
    apiKey.value = typed.value.trim() || null;
    void connect();
  };
  return (
    <Dialog open={isOpen} label="API key" onClose={() => {}} canClose={false} class="key-dialog">
      <form onSubmit={send}>
        <h2>This server asks for a key</h2>
        <p class="hint">The one that was set when it was started. It is kept until this browser is closed.</p>
        <label class="field">
          <span>API key</span>
          <input
            type="password"
            autocomplete="current-password"
            value={typed.value}
            onInput={event => (typed.value = event.currentTarget.value)}
          />
        </label>
        {wasRefused && (
          <p class="field-fault" role="alert">
            The server does not know this key.
          </p>
        )}
        <button type="submit" class="primary">
          Open
        </button>
      </form>
    </Dialog>
  );
}
