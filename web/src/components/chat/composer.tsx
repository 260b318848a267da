/** Where a message is written: words, and pictures that are chosen, dropped or pasted. Enter sends it. */
import { useRef } from 'preact/hooks';
import { leaveEdit, removePicture, sendDraft, stopAnswer } from '../../chat/actions.ts';
import { isBlank } from '../../chat/draft.ts';
import { takeFiles } from '../../chat/given-pictures.ts';
import { draft, draftFault, pendingAnswer } from '../../chat/state.ts';
import { pictureTypes } from '../../pictures.ts';
import { longestPause } from '../../presses.ts';
import { capabilities, serverFault } from '../../state.ts';
import { IconButton } from '../icon-button.tsx';

const fieldId = 'chat-message';

/** Where a person goes on writing. */
export function focusMessage(): void {
  document.getElementById(fieldId)?.focus();
}

export function Composer() {
  const { text, pictures, edits } = draft.value;
  const isAnswering = pendingAnswer.value !== undefined;
  const dialogue = capabilities.value?.dialogue;
  const sentAt = useRef(0);
  const send = (event: Event) => {
    event.preventDefault();
    sentAt.current = Date.now();
    sendDraft();
    focusMessage();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // While letters are being composed, as in Japanese, Enter belongs to that.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) send(event);
  };
  return (
    <form class="composer" onSubmit={send}>
      {edits !== null && (
        <div class="composer-note">
          <p>Sent again, the message takes the place of the former one, which stays as a version.</p>
          <button
            type="button"
            class="quiet"
            onClick={() => {
              leaveEdit();
              focusMessage();
            }}
          >
            Leave it as it is
          </button>
        </div>
      )}
      <p class="field-fault" role="status">
        {draftFault}
      </p>
      <div class="composer-box">
        {pictures.length > 0 && (
          <ul class="given" aria-label="Pictures of the message">
            {pictures.map((picture, place) => (
              <li key={place}>
                <img class="picture" src={picture.url} alt={picture.name} />
                <IconButton
                  icon="close"
                  name={`Remove ${picture.name}`}
                  class="given-clear"
                  onClick={() => {
                    removePicture(picture);
                    focusMessage();
                  }}
                />
              </li>
            ))}
          </ul>
        )}
        <div class="composer-row">
          {dialogue?.sees && <AddPictures />}
          <label class="unseen" for={fieldId}>
            Message
          </label>
          <textarea
            id={fieldId}
            rows={1}
            value={text}
            placeholder={dialogue?.draws ? 'Say what you would like to see' : 'Write a message'}
            enterkeyhint="send"
            aria-describedby="composer-keys"
            onInput={event => {
              draftFault.value = '';
              draft.value = { ...draft.value, text: event.currentTarget.value };
            }}
            onKeyDown={onKeyDown}
          />
          {isAnswering ? (
            <IconButton
              icon="stop"
              name="Stop the answer"
              class="primary"
              title="Stop the answer (Escape)"
              onClick={() => {
                // It takes the place of the button that sends, where the second click of a double one comes.
                if (Math.abs(Date.now() - sentAt.current) < longestPause) return;
                stopAnswer();
                focusMessage();
              }}
            />
          ) : (
            <IconButton
              icon="send"
              name="Send"
              class="primary"
              type="submit"
              title="Send (Enter)"
              disabled={isBlank(draft.value) || serverFault.value !== null}
            />
          )}
        </div>
      </div>
      <p id="composer-keys" class="hint composer-keys">
        Enter sends, Shift with Enter begins a line{isAnswering && ', Escape stops the answer'}
      </p>
    </form>
  );
}

function AddPictures() {
  const input = useRef<HTMLInputElement>(null);
  const most = capabilities.value?.limits.message_pictures;
  return (
    <>
      <input
        ref={input}
        class="unseen"
        type="file"
        multiple
        accept={pictureTypes}
        tabIndex={-1}
        aria-hidden="true"
        onChange={event => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = '';
          void takeFiles(files).then(focusMessage);
        }}
      />
      <IconButton
        icon="image"
        name="Add pictures"
        title={`Add pictures: at most ${most} in a request, large ones are made smaller`}
        onClick={() => input.current?.click()}
      />
    </>
  );
}
