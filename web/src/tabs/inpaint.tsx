/** A part of a picture painted anew, the rest kept exactly. */
import { Choice, CountField, WordsField } from '../components/fields.tsx';
import { JobForm } from '../components/job-form.tsx';
import { MaskPainter } from '../components/mask-painter.tsx';
import { PictureInput } from '../components/picture-input.tsx';
import { Stage } from '../components/stage.tsx';
import type { Form, InputPicture } from '../form.ts';
import { notifyError } from '../notices.ts';
import { squarePicture } from '../pictures.ts';
import { capabilities, forms, updateForm } from '../state.ts';

const kinds = [
  { value: 'pictures', name: 'Part of a picture' },
  { value: 'words', name: 'Words of a caption' },
] as const satisfies readonly { value: Form['kind']; name: string }[];

const gaps = ['a _ to the left of a dog', 'three _ on a blue background', 'a rocket above a _'];

export function InpaintTab() {
  const form = forms.value.inpaint;
  const side = capabilities.value?.image_size ?? 64;
  const take = async (picture: InputPicture | null) => {
    try {
      updateForm('inpaint', { image: picture && (await squarePicture(picture, side)), mask: null });
    } catch (error) {
      notifyError(error);
    }
  };
  const paints = form.kind === 'pictures';
  const verb = paints ? 'Paint' : 'Fill in';
  const change = (fields: Partial<Form>) => updateForm('inpaint', fields);
  return (
    <div class="workspace">
      <JobForm tab="inpaint" verb={verb}>
        <h1>Keep this, change that</h1>
        <Choice label="What has gaps" value={form.kind} options={kinds} onChange={kind => change({ kind })} />
        {paints && !form.image && (
          <PictureInput label="Picture" takesPaste value={null} onChange={picture => void take(picture)} />
        )}
        {paints && form.image && (
          <MaskPainter
            key={form.image.url}
            picture={form.image}
            side={side}
            mask={form.mask}
            onChange={mask => change({ mask })}
            onRemove={() => change({ image: null, mask: null })}
          />
        )}
        {paints ? (
          <WordsField
            label="Caption of the whole picture"
            rows={1}
            value={form.prompt}
            placeholder="a cat to the left of a star"
            hint="May stay empty: then the model thinks of something that fits."
            onChange={prompt => change({ prompt })}
          />
        ) : (
          <>
            <WordsField
              label="Caption with gaps"
              value={form.prompt}
              placeholder="a _ to the left of a dog"
              hint="Each _ is a gap for one word. A picture is thought of along with it."
              onChange={prompt => change({ prompt })}
            />
            <ul class="examples" aria-label="Examples">
              {gaps.map(caption => (
                <li key={caption}>
                  <button type="button" class="example" onClick={() => change({ prompt: caption })}>
                    {caption}
                  </button>
                </li>
              ))}
            </ul>
          </>
        )}
        <CountField label={paints ? 'Pictures' : 'Alternatives'} value={form.n} onChange={n => change({ n })} />
      </JobForm>
      <Stage
        tab="inpaint"
        empty={
          paints ? (
            <>
              <h2>Nothing to paint over yet</h2>
              <p>
                Choose a picture and brush over the part that should change. All the rest stays as it is, to the pixel.
              </p>
            </>
          ) : (
            <>
              <h2>Words to find</h2>
              <p>Leave out what the model should think of. The words you give stay as they are.</p>
            </>
          )
        }
        ready={
          <>
            <h2>Not begun yet</h2>
            <p>“{verb}” shows here what the model puts in.</p>
          </>
        }
      />
    </div>
  );
}
