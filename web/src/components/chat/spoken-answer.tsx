/** The answer that came in this window, for screen readers: each sentence is added once, when it is whole. */
import { useEffect, useRef } from 'preact/hooks';
import { isPending } from '../../chat/conversation.ts';
import { spokenPieces } from '../../chat/spoken.ts';
import { conversation, partsOf, pendingAnswer } from '../../chat/state.ts';

export function SpokenAnswer() {
  const { id, messages } = conversation.value;
  const pending = pendingAnswer.value;
  const followed = useRef<string | null>(null);
  const name = (message: number) => `${id}-${message}`;
  useEffect(() => {
    if (pending !== undefined) followed.current = name(pending);
  }, [pending, id]);
  const at = messages.findIndex((_, message) => name(message) === followed.current || message === pending);
  const answer = messages[pending ?? at];
  const pieces = answer?.role === 'assistant' ? spokenPieces(partsOf(answer), !isPending(answer)) : [];
  return (
    <div class="unseen" role="log" aria-label="Answer" aria-live="polite" aria-relevant="additions">
      {pieces.map(({ key, text }) => (
        <p key={`${name(pending ?? at)}-${key}`}>{text}</p>
      ))}
    </div>
  );
}
