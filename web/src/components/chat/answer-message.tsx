/** What the model answered: words and pictures in their order, as they come; how it ended, and what can be done then. */
import { answerAnew, edit, newConversation } from '../../chat/actions.ts';
import { laidOut, wordsOf } from '../../chat/answer-parts.ts';
import { type Answer, isPending } from '../../chat/conversation.ts';
import { partsOf, pendingAnswer } from '../../chat/state.ts';
import { type Help, helpFor } from '../../chat/texts.ts';
import { capabilities, findJob } from '../../state.ts';
import { duration, statusLine } from '../../words.ts';
import { IconButton } from '../icon-button.tsx';
import { AnswerPictureTile } from './answer-picture.tsx';
import { focusMessage } from './composer.tsx';
import { CopyWords, Versions } from './message-tools.tsx';

interface AnswerMessageProps {
  readonly id: number;
  readonly answer: Answer;
  readonly isLast: boolean;
}

export function AnswerMessage({ id, answer, isLast }: AnswerMessageProps) {
  const parts = partsOf(answer);
  const words = wordsOf(parts).trim();
  const isBusy = isPending(answer);
  return (
    <>
      <h2 class="unseen">{capabilities.value?.model ?? 'The model'}</h2>
      <div class="bubble">
        {laidOut(parts).map((part, place) => {
          if (part.type === 'text') return <Words key={`words-${place}`} text={part.text} />;
          const { jobId } = answer;
          if (part.type === 'image') {
            return <AnswerPictureTile key={part.index} picture={part} jobId={jobId} isBusy={isBusy} isAlone />;
          }
          return (
            <div key={part.picture.index} class="plate">
              <Words text={part.text} />
              <AnswerPictureTile picture={part.picture} jobId={jobId} isBusy={isBusy} isAlone={false} />
            </div>
          );
        })}
        {isBusy && <Coming answer={answer} hasBegun={parts.length > 0} />}
        {answer.status === 'stopped' && <p class="hint">Stopped{parts.length === 0 && ' before it began'}</p>}
        {answer.status === 'done' && parts.length === 0 && <p class="hint">The model had nothing to say.</p>}
        {answer.isCut && (
          <p class="hint">It ends here as it is as long as the setting “Most tokens” or the model allows.</p>
        )}
        {answer.fault && <Fault id={id} answer={answer} help={helpFor(answer.fault)} isLast={isLast} />}
      </div>
      {!isBusy && (
        <div class="message-tools">
          <Versions id={id} />
          {words !== '' && <CopyWords text={words} />}
          {isLast && !answer.fault && (
            <IconButton
              icon="again"
              name="Answer anew"
              title="Answer anew, with another seed"
              onClick={() => answerAnew(id)}
            />
          )}
          {isLast && answer.took !== null && <span class="hint">{duration(answer.took)}</span>}
        </div>
      )}
    </>
  );
}

/** White space beside a picture is that of the text that it stands in. */
function Words({ text }: { text: string }) {
  const words = text.trim();
  return words === '' ? <span /> : <p class="answer-words">{words}</p>;
}

/** What is happening, where nothing that comes shows it. */
function Coming({ answer, hasBegun }: { answer: Answer; hasBegun: boolean }) {
  const job = findJob(answer.jobId ?? undefined);
  if (job?.status === 'queued') return <p class="hint coming">{statusLine(job)}</p>;
  return (
    <p class={hasBegun ? 'coming is-more' : 'coming'}>
      <span class="unseen">{answer.status === 'sending' ? 'Sending' : 'Answering'}</span>
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
    </p>
  );
}

interface FaultProps {
  readonly id: number;
  readonly answer: Answer;
  readonly help: Help;
  readonly isLast: boolean;
}

function Fault({ id, answer, help: { text, ways }, isLast }: FaultProps) {
  const names = { again: 'Try again', edit: 'Edit the message', new: 'New conversation' } as const;
  const acts = {
    again: () => answerAnew(id),
    edit: () => {
      edit(answer.parent);
      focusMessage();
    },
    new: newConversation,
  } as const;
  return (
    <div class="answer-fault">
      <p>{text}</p>
      {isLast && pendingAnswer.value === undefined && (
        <div class="actions">
          {ways.map(way => (
            <button key={way} type="button" onClick={acts[way]}>
              {names[way]}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
