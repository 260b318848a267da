/** Image to text, with alternatives. */
import { CountField } from '../components/fields.tsx';
import { JobForm } from '../components/job-form.tsx';
import { PictureInput } from '../components/picture-input.tsx';
import { Stage } from '../components/stage.tsx';
import { forms, updateForm } from '../state.ts';

export function DescribeTab() {
  const form = forms.value.describe;
  return (
    <div class="workspace">
      <JobForm tab="describe" verb="Describe">
        <h1>Show it, and it is told</h1>
        <PictureInput
          label="Picture"
          takesPaste
          value={form.image}
          onChange={image => updateForm('describe', { image })}
        />
        <CountField label="Alternatives" value={form.n} onChange={n => updateForm('describe', { n })} />
      </JobForm>
      <Stage
        tab="describe"
        empty={
          <>
            <h2>Nothing to look at yet</h2>
            <p>
              Drop, paste or pick a picture, or drag one over from the gallery. The model learnt from emoji scenes:
              those it knows best.
            </p>
          </>
        }
        ready={
          <>
            <h2>Not looked at yet</h2>
            <p>“Describe” tells what the picture shows, in as many ways as you like.</p>
          </>
        }
      />
    </div>
  );
}
