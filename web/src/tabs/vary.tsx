/** Variations of a picture or a caption, and the way from one to another. */
import { Examples } from '../components/examples.tsx';
import { Choice, CountField, WordsField } from '../components/fields.tsx';
import { Icon } from '../components/icons.tsx';
import { JobForm } from '../components/job-form.tsx';
import { PictureInput } from '../components/picture-input.tsx';
import { Stage } from '../components/stage.tsx';
import type { Form } from '../form.ts';
import { capabilities, forms, updateForm } from '../state.ts';
import type { JobMode } from '../wire.ts';

const kinds = [
  { value: 'i2t2i', name: 'Picture', verb: 'Vary', hint: 'Describes the picture, then draws the description.' },
  { value: 't2i2t', name: 'Words', verb: 'Rephrase', hint: 'Draws the caption, then describes the drawing.' },
  { value: 'interpolate', name: 'Mix two', verb: 'Mix', hint: 'Walks through the noise from one to the other.' },
] as const satisfies readonly { value: JobMode; name: string; verb: string; hint: string }[];

const change = (fields: Partial<Form>) => updateForm('vary', fields);

export function VaryTab() {
  const form = forms.value.vary;
  const kind = kinds.find(({ value }) => value === form.mode) ?? kinds[0];
  return (
    <div class="workspace">
      <JobForm tab="vary" verb={kind.verb}>
        <h1>The same, but different</h1>
        <Choice label="What to vary" value={form.mode} options={kinds} onChange={mode => change({ mode })} />
        <p class="hint">{kind.hint}</p>
        {form.mode === 'i2t2i' && (
          <PictureInput label="Picture" takesPaste value={form.image} onChange={image => change({ image })} />
        )}
        {form.mode === 't2i2t' && (
          <>
            <WordsField
              label="Caption"
              value={form.prompt}
              placeholder="a dog under a tree"
              onChange={prompt => change({ prompt })}
            />
            <Examples from={1} count={4} onPick={prompt => change({ prompt })} />
          </>
        )}
        {form.mode === 'interpolate' && <MixEnds />}
        {form.mode === 'interpolate' ? (
          <CountField
            label="Frames"
            value={form.frames}
            lowest={3}
            limit="frames"
            onChange={frames => change({ frames })}
          />
        ) : (
          <CountField label="Variations" value={form.n} onChange={n => change({ n })} />
        )}
      </JobForm>
      <Stage
        tab="vary"
        empty={
          form.mode === 'interpolate' ? (
            <>
              <h2>Two ends, no middle yet</h2>
              <p>Give two captions or two pictures. A slider then leads from one to the other.</p>
            </>
          ) : (
            <>
              <h2>No theme yet</h2>
              <p>Give something to vary. What was understood of it in between is shown beneath each result.</p>
            </>
          )
        }
        ready={
          <>
            <h2>Not begun yet</h2>
            <p>“{kind.verb}” shows what becomes of it here.</p>
          </>
        }
      />
    </div>
  );
}

function MixEnds() {
  const form = forms.value.vary;
  const swap = () => change({ prompt: form.prompt2, prompt2: form.prompt, image: form.image2, image2: form.image });
  return (
    <>
      <Choice
        label="What the ends are"
        value={form.kind}
        options={[
          { value: 'words', name: 'Two captions' },
          { value: 'pictures', name: 'Two pictures' },
        ]}
        onChange={kind => change({ kind })}
      />
      {form.kind === 'words' ? (
        <>
          <WordsField
            label="From"
            rows={1}
            value={form.prompt}
            placeholder="an apple"
            onChange={prompt => change({ prompt })}
          />
          <WordsField
            label="To"
            rows={1}
            value={form.prompt2}
            placeholder="a red heart"
            onChange={prompt2 => change({ prompt2 })}
          />
          <MixExample />
        </>
      ) : (
        <div class="picture-pair">
          <PictureInput label="First picture" value={form.image} onChange={image => change({ image })} />
          <PictureInput label="Second picture" value={form.image2} onChange={image2 => change({ image2 })} />
        </div>
      )}
      <button type="button" class="quiet is-start" onClick={swap}>
        <Icon name="swap" /> Swap ends
      </button>
    </>
  );
}

function MixExample() {
  const [first, second] = capabilities.value?.examples ?? [];
  if (!first || !second) return null;
  return (
    <ul class="examples" aria-label="Examples">
      <li>
        <button type="button" class="example" onClick={() => change({ prompt: first, prompt2: second })}>
          {first} → {second}
        </button>
      </li>
    </ul>
  );
}
