/** The messages of the conversation. It stays at its end while an answer comes, unless a person has scrolled up. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { sendExample } from '../../chat/actions.ts';
import { pathOf } from '../../chat/conversation.ts';
import { conversation, draft, pendingAnswer } from '../../chat/state.ts';
import { chatHint } from '../../chat/texts.ts';
import { capabilities } from '../../state.ts';
import { Icon } from '../icons.tsx';
import { NoiseTile } from '../noise-tile.tsx';
import { AnswerMessage } from './answer-message.tsx';
import { QuestionMessage } from './question-message.tsx';

/** Pixels from the end within which it counts as the end. */
const nearEnd = 48;

export function Thread() {
  const { id, messages } = conversation.value;
  const path = pathOf(conversation.value);
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLOListElement>(null);
  const isAtEnd = useSignal(true);
  const top = useRef(0);
  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });
  const look = () => {
    const { scrollTop = 0, clientHeight = 0, scrollHeight = 0 } = box.current ?? {};
    const isNear = scrollHeight - scrollTop - clientHeight <= nearEnd;
    // Of what grew meanwhile nobody has scrolled away.
    if (isNear || scrollTop < top.current) isAtEnd.value = isNear;
    top.current = scrollTop;
  };
  const count = path.length;
  useEffect(() => {
    isAtEnd.value = true;
    toEnd();
  }, [id, count]);
  useEffect(() => {
    if (!list.current) return;
    // Words, previews and pictures make it longer; so does the box when it becomes smaller.
    const observer = new ResizeObserver(() => isAtEnd.peek() && toEnd());
    observer.observe(list.current);
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, [id, count > 0]);
  const edited = draft.value.edits === null ? -1 : path.indexOf(draft.value.edits);
  const told = pendingOrLast(path);
  return (
    <div class="thread-box">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must reach what scrolls */}
      <section ref={box} class="thread" aria-label="Messages" tabIndex={0} onScroll={look}>
        {count === 0 ? (
          <Beginning />
        ) : (
          <ol ref={list} class="messages">
            {path.map((at, place) => {
              const message = messages[at]!;
              const isReplaced = edited >= 0 && place >= edited;
              return (
                <li key={`${id}-${at}`} class={`message is-${message.role}${isReplaced ? ' is-replaced' : ''}`}>
                  {at === told && <NotTold />}
                  {message.role === 'user' ? (
                    <QuestionMessage id={at} question={message} />
                  ) : (
                    <AnswerMessage id={at} answer={message} isLast={place === count - 1} />
                  )}
                </li>
              );
            })}
          </ol>
        )}
      </section>
      {!isAtEnd.value && count > 0 && (
        <button type="button" class="round to-end" aria-label="To the latest message" onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

/** The message that the latest answer begins to know, where it does not know all. */
function pendingOrLast(path: readonly number[]): number | null {
  const last = conversation.value.messages[pendingAnswer.value ?? path.at(-1) ?? -1];
  return last?.role === 'assistant' ? last.from : null;
}

function NotTold() {
  return (
    <p class="not-told">What stands above is more than one request holds: the model is not told of it any more.</p>
  );
}

function Beginning() {
  const known = capabilities.value;
  if (!known) return null;
  const { examples } = known.dialogue ?? { examples: [] };
  return (
    <div class="beginning">
      <div class="empty-picture" aria-hidden="true">
        <NoiseTile moving={false} label="" />
      </div>
      <p>{chatHint(known)}</p>
      {examples.length > 0 && (
        <ul class="examples" aria-label="Examples">
          {examples.map(example => (
            <li key={example}>
              <button type="button" class="example" onClick={() => sendExample(example)}>
                {example}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
