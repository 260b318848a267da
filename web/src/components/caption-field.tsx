/** A caption, with the words marked that the model does not know, and those at hand that it does. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { api, capabilities } from '../state.ts';
import { addWord, placesOf, replaceWord, suggestionsFor } from '../words-known.ts';
import { WordsField, type WordsFieldProps } from './fields.tsx';

/** Milliseconds without a key press after which a caption is looked at. */
const pauseOfTyping = 250;

export function CaptionField(props: WordsFieldProps) {
  const { value, onChange } = props;
  const vocabulary = capabilities.value?.vocabulary ?? [];
  const unknown = useUnknownWords(value, vocabulary.length > 0);
  return (
    <div class="caption-field">
      <WordsField {...props} marked={unknown} />
      <div role="status">
        {unknown.map(word => (
          <p key={word} class="unknown-word">
            The model never learnt <mark>{word}</mark>
            {suggestionsFor(word, vocabulary).map(known => (
              <button
                key={known}
                type="button"
                class="example"
                onClick={() => onChange(replaceWord(value, word, known))}
              >
                {known}
              </button>
            ))}
          </p>
        ))}
      </div>
      {vocabulary.length > 0 && <Vocabulary words={vocabulary} onPick={word => onChange(addWord(value, word))} />}
    </div>
  );
}

/** Words of `text` that the model was not trained on, once nothing is typed any more. */
function useUnknownWords(text: string, isAsked: boolean): readonly string[] {
  const unknown = useSignal<readonly string[]>([]);
  useEffect(() => {
    if (!isAsked || text.trim() === '') {
      unknown.value = [];
      return;
    }
    const abort = new AbortController();
    const look = async () => {
      const { unknown_words: words } = await api.inspectCaption(text, abort.signal);
      unknown.value = words;
    };
    // A server that cannot be reached is told of elsewhere.
    const timer = setTimeout(() => void look().catch(() => {}), pauseOfTyping);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text, isAsked]);
  return unknown.value.filter(word => placesOf(word, text).length > 0);
}

function Vocabulary({ words, onPick }: { words: readonly string[]; onPick: (word: string) => void }) {
  const sought = useSignal('');
  const found = words.filter(word => word.includes(sought.value.trim().toLowerCase()));
  return (
    <details class="vocabulary">
      <summary>{words.length} words that the model knows</summary>
      <input
        type="search"
        aria-label="Find a word"
        placeholder="Find a word"
        value={sought.value}
        onInput={event => (sought.value = event.currentTarget.value)}
      />
      <ul class="examples" aria-label="Words that the model knows">
        {found.map(word => (
          <li key={word}>
            <button type="button" class="example" onClick={() => onPick(word)}>
              {word}
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p class="hint">It knows no such word.</p>}
    </details>
  );
}
