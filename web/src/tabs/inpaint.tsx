/** A part of a picture painted anew, the rest kept exactly. */

import { notify } from '../actions.ts';
import { CountField, WordsField } from '../components/fields.tsx';
import { JobForm } from '../components/job-form.tsx';
import { MaskPainter } from '../components/mask-painter.tsx';
import { PictureInput } from '../components/picture-input.tsx';
import { Stage } from '../components/stage.tsx';
import type { InputPicture } from '../form.ts';
import { squarePicture } from '../pictures.ts';
import { capabilities, forms, updateForm } from '../state.ts';

export function InpaintTab() {
  const form = forms.value.inpaint;
  const side = capabilities.value?.image_size ?? 64;
  const take = async (picture: InputPicture | null) => {
    try {
      updateForm('inpaint', { image: picture && (await squarePicture(picture, side)), mask: null });
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), 'error');
    }
  };
  return (
    <div class="workspace">
      <JobForm tab="inpaint" verb="Paint">
        <h1>Keep this, change that</h1>
        {form.image ? (
          <MaskPainter
            key={form.image.url}
            picture={form.image}
            side={side}
            mask={form.mask}
            onChange={mask => updateForm('inpaint', { mask })}
            onRemove={() => updateForm('inpaint', { image: null, mask: null })}
          />
        ) : (
          <PictureInput label="Picture" takesPaste value={null} onChange={picture => void take(picture)} />
        )}
        <WordsField
          label="Caption of the whole picture"
          rows={2}
          value={form.prompt}
          placeholder="a cat to the left of a star"
          hint="May stay empty: then the model thinks of something that fits."
          onChange={prompt => updateForm('inpaint', { prompt })}
        />
        <CountField
          label="Pictures"
          value={form.n}
          lowest={1}
          highest={capabilities.value?.limits.n ?? 8}
          onChange={n => updateForm('inpaint', { n })}
        />
      </JobForm>
      <Stage
        tab="inpaint"
        empty={
          <>
            <h2>Nothing to paint over yet</h2>
            <p>
              Choose a picture and brush over the part that should change. All the rest stays as it is, to the pixel.
            </p>
          </>
        }
      />
    </div>
  );
}
