/** What a person said, with the pictures that were given. */
import { edit } from '../../chat/actions.ts';
import type { Question } from '../../chat/conversation.ts';
import { pendingAnswer } from '../../chat/state.ts';
import { startDrag } from '../../dragging.ts';
import { IconButton } from '../icon-button.tsx';
import { Picture } from '../picture.tsx';
import { focusMessage } from './composer.tsx';
import { CopyWords, Versions } from './message-tools.tsx';

export function QuestionMessage({ id, question: { text, pictures } }: { id: number; question: Question }) {
  return (
    <>
      <h2 class="unseen">You</h2>
      <div class="bubble">
        {pictures.length > 0 && (
          <ul class="given" aria-label="Pictures given">
            {pictures.map(({ name, url }, place) => (
              <li key={place} draggable={url !== ''} onDragStart={event => startDrag(event, url)}>
                <Picture url={url} alt={name} />
              </li>
            ))}
          </ul>
        )}
        {text !== '' && <p class="said">{text}</p>}
      </div>
      <div class="message-tools">
        <Versions id={id} />
        {text !== '' && <CopyWords text={text} />}
        <IconButton
          icon="edit"
          name="Edit and send again"
          disabled={pendingAnswer.value !== undefined}
          onClick={() => {
            edit(id);
            focusMessage();
          }}
        />
      </div>
    </>
  );
}
