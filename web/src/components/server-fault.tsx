/** What stands in the way of everything: the server is away, or does not talk to this page. */
import { connect } from '../connection.ts';
import { serverFault } from '../state.ts';

export function ServerFault() {
  const fault = serverFault.value;
  if (!fault) return null;
  return (
    <div class="fault" role="alert">
      <p>{fault.message}</p>
      <button type="button" onClick={() => void connect()}>
        Try again
      </button>
    </div>
  );
}
