/** Text to image. */
import { Examples } from '../components/examples.tsx';
import { CountField, WordsField } from '../components/fields.tsx';
import { JobForm } from '../components/job-form.tsx';
import { Stage } from '../components/stage.tsx';
import { forms, updateForm } from '../state.ts';

export function DrawTab() {
  const form = forms.value.draw;
  return (
    <div class="workspace">
      <JobForm tab="draw" verb="Draw">
        <h1>Write it, and it is drawn</h1>
        <WordsField
          label="Caption"
          rows={3}
          value={form.prompt}
          placeholder="a cat to the left of a dog"
          onChange={prompt => updateForm('draw', { prompt })}
        />
        <Examples onPick={prompt => updateForm('draw', { prompt })} />
        <CountField label="Pictures" value={form.n} onChange={n => updateForm('draw', { n })} />
      </JobForm>
      <Stage
        tab="draw"
        empty={
          <>
            <h2>An empty sheet</h2>
            <p>Write a caption or take one of the examples. You can watch the pictures come out of the noise.</p>
          </>
        }
        ready={
          <>
            <h2>An empty sheet</h2>
            <p>“Draw” begins. You can watch the pictures come out of the noise.</p>
          </>
        }
      />
    </div>
  );
}
