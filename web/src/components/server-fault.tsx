/** The fault that prevents every use of the page: the server cannot be reached, or rejects the page's requests. */
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
