/** Pictures and captions out of nothing, together or alone; and chains that go to and fro between them. */
import { Examples } from '../components/examples.tsx';
import { Choice, CountField, WordsField } from '../components/fields.tsx';
import { JobForm } from '../components/job-form.tsx';
import { Stage } from '../components/stage.tsx';
import { fieldsOf } from '../form.ts';
import { forms, updateForm } from '../state.ts';
import type { JobMode } from '../wire.ts';

const kinds = [
  { value: 'joint', name: 'Pairs', hint: 'A picture and its caption, imagined together.' },
  { value: 'i', name: 'Pictures', hint: 'Pictures alone, of anything at all.' },
  { value: 't', name: 'Words', hint: 'Captions alone, of anything at all.' },
  {
    value: 'gibbs',
    name: 'Chain',
    hint: 'Draws a caption, describes the drawing, draws that, and so on: see how a thought wanders.',
  },
] as const satisfies readonly { value: JobMode; name: string; hint: string }[];

export function ImagineTab() {
  const form = forms.value.imagine;
  const kind = kinds.find(({ value }) => value === form.mode) ?? kinds[0];
  const counted = fieldsOf(form.mode).count === 'rounds' ? 'rounds' : 'n';
  return (
    <div class="workspace">
      <JobForm tab="imagine" verb="Imagine">
        <h1>Let it think of something</h1>
        <Choice
          label="What to imagine"
          value={form.mode}
          options={kinds}
          onChange={mode => updateForm('imagine', { mode })}
        />
        <p class="hint">{kind.hint}</p>
        {form.mode === 'gibbs' && (
          <>
            <WordsField
              label="First caption"
              hint="May stay empty: then the chain begins with a pair out of nothing."
              value={form.prompt}
              placeholder="two red hearts"
              onChange={prompt => updateForm('imagine', { prompt })}
            />
            <Examples from={2} count={4} onPick={prompt => updateForm('imagine', { prompt })} />
          </>
        )}
        <CountField
          label={counted === 'rounds' ? 'Rounds' : 'How many'}
          value={form[counted]}
          limit={counted}
          onChange={value => updateForm('imagine', { [counted]: value })}
        />
      </JobForm>
      <Stage
        tab="imagine"
        empty={
          <>
            <h2>A quiet mind</h2>
            <p>
              Ask for nothing in particular. Picture and words come out of the same noise, each knowing of the other.
            </p>
          </>
        }
      />
    </div>
  );
}
