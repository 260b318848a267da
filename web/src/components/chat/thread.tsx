/** The messages of the conversation. It stays at its end while an answer comes, unless a person has scrolled up. */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { sendExample } from '../../chat/actions.ts';
import { type Conversation, pathOf } from '../../chat/conversation.ts';
import { conversation, draft, pendingAnswer } from '../../chat/state.ts';
import { chatHint, readingLine } from '../../chat/texts.ts';
import { firstRead, toldMessages } from '../../chat/told-messages.ts';
import { capabilities } from '../../state.ts';
import type { Capabilities } from '../../wire.ts';
import { IconButton } from '../icon-button.tsx';
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
  const known = capabilities.value;
  const beginning = known && beginningKnown(conversation.value, pendingAnswer.value ?? path.at(-1) ?? -1, known);
  return (
    <div class="thread-box">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard must reach what scrolls */}
      <section ref={box} class="thread" aria-label="Messages" tabIndex={0} onScroll={look}>
        {count === 0 ? (
          <Start />
        ) : (
          <ol ref={list} class="messages">
            {path.map((at, place) => {
              const message = messages[at]!;
              const isReplaced = edited >= 0 && place >= edited;
              return (
                <li key={`${id}-${at}`} class={`message is-${message.role}${isReplaced ? ' is-replaced' : ''}`}>
                  {at === beginning?.id && <p class="not-told">{beginning.line}</p>}
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
        <IconButton icon="down" name="To the latest message" class="to-end" onClick={toEnd} />
      )}
    </div>
  );
}

interface Beginning {
  readonly id: number;
  readonly line: string;
}

/** The message from which on an answer knows the conversation, and why not from its start; null where it knows all. */
function beginningKnown(shown: Conversation, id: number, known: Capabilities): Beginning | null {
  const answer = shown.messages[id];
  if (answer?.role !== 'assistant') return null;
  const { dialogue } = known;
  const read = firstRead(toldMessages(shown, answer.parent, dialogue?.sees ?? false), dialogue?.exchanges);
  // Each message stands behind its parent, so that along a path ids rise.
  if (read !== null && read >= (answer.from ?? 0)) return { id: read, line: readingLine(known) };
  if (answer.from === null) return null;
  const line = 'What stands above is more than one request holds: the model is not told of it any more.';
  return { id: answer.from, line };
}

function Start() {
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
