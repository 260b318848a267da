/** The inputs that a call takes, as fields: words, pictures, and a mask that is painted on one. */
import { choosesKind, fillsGaps, type InputName, inputsOf, type TabId } from '../calls.ts';
import type { Form, FormCall, InputPicture } from '../form.ts';
import { notifyError } from '../notices.ts';
import { squarePicture } from '../pictures.ts';
import { capabilities, forms, updateForm } from '../state.ts';
import { CaptionField } from './caption-field.tsx';
import { Examples } from './examples.tsx';
import { Choice, WordsField } from './fields.tsx';
import { Icon } from './icons.tsx';
import { MaskPainter } from './mask-painter.tsx';
import { PictureInput } from './picture-input.tsx';

interface InputsProps {
  readonly tab: TabId;
  readonly formCall: FormCall;
}

export function CallInputs({ tab, formCall: { mode, call } }: InputsProps) {
  const form = forms.value[tab];
  const { needed, optional } = inputsOf(call, form.kind);
  const change = (fields: Partial<Form>) => updateForm(tab, fields);
  const hasEnds = call.needs.length > 1;
  const shown = [...needed, ...optional];
  const examples = capabilities.value?.examples ?? [];
  const isPair = shown.includes('image') && shown.includes('image2');
  const words = { value: 'words', name: hasEnds ? 'Two captions' : 'Words of a caption' } as const;
  const pictures = { value: 'pictures', name: hasEnds ? 'Two pictures' : 'Part of a picture' } as const;
  return (
    <>
      {choosesKind(call) && (
        <Choice
          label={hasEnds ? 'What the ends are' : 'What has gaps'}
          value={form.kind}
          options={hasEnds ? [words, pictures] : [pictures, words]}
          onChange={kind => change({ kind })}
        />
      )}
      {isPair && (
        <div class="picture-pair">
          <PictureInput label="First picture" value={form.image} onChange={image => change({ image })} />
          <PictureInput label="Second picture" value={form.image2} onChange={image2 => change({ image2 })} />
        </div>
      )}
      {!isPair && shown.includes('mask') && <MaskedPicture tab={tab} />}
      {!isPair && shown.includes('image') && !shown.includes('mask') && (
        <PictureInput
          label={needed.includes('image') ? 'Picture' : 'Picture, if you like'}
          takesPaste
          value={form.image}
          onChange={image => change({ image })}
        />
      )}
      {shown.includes('prompt') && (
        <CaptionField
          key={`prompt-${mode}-${form.kind}`}
          {...promptTexts(shown, needed, fillsGaps(call, form.kind))}
          rows={tab === 'draw' ? 3 : hasEnds ? 1 : 2}
          placeholder={fillsGaps(call, form.kind) ? withGap(examples[0] ?? '') : (examples[1] ?? '')}
          value={form.prompt}
          onChange={prompt => change({ prompt })}
        />
      )}
      {shown.includes('prompt2') && (
        <WordsField label="To" rows={1} value={form.prompt2} onChange={prompt2 => change({ prompt2 })} />
      )}
      {shown.includes('prompt') && <Suggestions tab={tab} shown={shown} gaps={fillsGaps(call, form.kind)} />}
      {hasEnds && (
        <button type="button" class="quiet is-start" onClick={() => change(swapped(form))}>
          <Icon name="swap" /> Swap ends
        </button>
      )}
    </>
  );
}

function promptTexts(shown: readonly InputName[], needed: readonly InputName[], gaps: boolean) {
  if (gaps) {
    return { label: 'Caption with gaps', hint: 'Each _ is a gap for one word. A picture is thought of along with it.' };
  }
  if (shown.includes('prompt2')) return { label: 'From' };
  if (needed.includes('prompt') || shown.length === 1) return { label: 'Caption' };
  if (shown.includes('mask')) {
    const hint = 'May stay empty: then the model thinks of something that fits.';
    return { label: 'Caption of the whole picture', hint };
  }
  return needed.includes('image')
    ? { label: 'Caption', hint: 'May stay empty: then the model finds its own.' }
    : { label: 'First caption', hint: 'May stay empty.' };
}

function swapped({ prompt, prompt2, image, image2 }: Form): Partial<Form> {
  return { prompt: prompt2, prompt2: prompt, image: image2, image2: image };
}

/** A picture, and once it is there, the mask that is painted on it. */
function MaskedPicture({ tab }: { tab: TabId }) {
  const { image, mask } = forms.value[tab];
  const side = capabilities.value?.image_size ?? 0;
  const take = async (picture: InputPicture | null) => {
    try {
      updateForm(tab, { image: picture && (await squarePicture(picture, side)), mask: null });
    } catch (error) {
      notifyError(error);
    }
  };
  if (!image) return <PictureInput label="Picture" takesPaste value={null} onChange={picture => void take(picture)} />;
  return (
    <MaskPainter
      key={image.url}
      picture={image}
      side={side}
      mask={mask}
      onChange={painted => updateForm(tab, { mask: painted })}
      onRemove={() => updateForm(tab, { image: null, mask: null })}
    />
  );
}

/** The model's examples, in the form that the field needs. */
function Suggestions({ tab, shown, gaps }: { tab: TabId; shown: readonly InputName[]; gaps: boolean }) {
  if (shown.includes('mask')) return null;
  if (shown.includes('prompt2')) {
    const [first = '', second = ''] = capabilities.value?.examples ?? [];
    const pair = second && [{ name: `${first} → ${second}`, fields: { prompt: first, prompt2: second } }];
    return <Examples examples={pair || []} onPick={fields => updateForm(tab, fields)} />;
  }
  const [from, count] = tab === 'draw' ? [0, 6] : gaps ? [0, 3] : [1, 4];
  const captions = capabilities.value?.examples.slice(from, from + count) ?? [];
  const examples = captions.map(caption => (gaps ? withGap(caption) : caption));
  return (
    <Examples
      examples={examples.map(prompt => ({ name: prompt, fields: { prompt } }))}
      onPick={fields => updateForm(tab, fields)}
    />
  );
}

/** The last word left out. */
function withGap(caption: string): string {
  return caption.replace(/\S+\s*$/, '_');
}
