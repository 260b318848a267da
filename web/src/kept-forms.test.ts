import { describe, expect, it } from 'vitest';
import type { TabId } from './calls.ts';
import { emptyForm, type Form } from './form.ts';
import { createFormKeeper } from './kept-forms.ts';
import { memoryStorage } from './testing/memory-storage.ts';

const picture = (name: string, size = 10) => ({ name, url: `data:image/png;base64,${'A'.repeat(size)}` });
const keep = (storage: Storage, tab: TabId, form: Partial<Form>) => {
  const keeper = createFormKeeper(() => storage);
  keeper.keepForms({ ...keeper.forms, [tab]: { ...keeper.forms[tab], ...form } });
};

describe('forms over a reload', () => {
  it('come back with every field and picture', () => {
    const storage = memoryStorage();
    const form: Form = {
      ...emptyForm('inpaint'),
      prompt: 'a cat “in” a hat\n',
      image: picture('cat.png'),
      mask: picture('mask.png', 20),
      n: 3,
      seed: 0,
      options: { inpaint: { steps: 12, guidance: 1.5, solver: 'ddim', tiled: true, negative_prompt: 'red' } },
    };
    keep(storage, 'inpaint', form);
    const { forms, lostPictures } = createFormKeeper(() => storage);
    expect(forms).toEqual({ ...forms, inpaint: form });
    expect(forms.draw).toEqual(emptyForm('draw'));
    expect(lostPictures).toEqual([]);
  });

  it('come back without a picture that was removed', () => {
    const storage = memoryStorage();
    keep(storage, 'describe', { image: picture('cat.png') });
    keep(storage, 'describe', { image: null });
    const { forms, lostPictures } = createFormKeeper(() => storage);
    expect(forms.describe.image).toBeNull();
    expect(lostPictures).toEqual([]);
  });

  it('say once which picture did not fit, and keep the rest', () => {
    const storage = memoryStorage(2000);
    keep(storage, 'vary', { image: picture('small.png'), image2: picture('large.png', 3000), prompt: 'a dog' });
    const { forms, lostPictures, keepForms } = createFormKeeper(() => storage);
    expect(forms.vary).toMatchObject({ prompt: 'a dog', image: picture('small.png'), image2: null });
    expect(lostPictures).toEqual(['large.png']);
    keepForms(forms);
    expect(createFormKeeper(() => storage).lostPictures).toEqual([]);
  });

  it('show the same jobs', () => {
    const storage = memoryStorage();
    const shown = { draw: { id: 'job_1', pictures: {} }, vary: { id: 'job_2', pictures: { image: 'x' } } };
    createFormKeeper(() => storage).keepShown(shown);
    expect(createFormKeeper(() => storage).shown).toEqual(shown);
  });

  it.each([
    '',
    '[]',
    '{"prompt":',
    'null',
    '{"kind":"both"}',
    '{"n":"many","prompt":7,"seed":"x","image":{"name":"a"},"more":1}',
    '{"n":null,"options":{"t2i":{"steps":[]}}}',
    '{"options":[]}',
  ])('are empty ones where the storage holds %s', text => {
    const storage = memoryStorage();
    storage.setItem('duet-form-draw', text);
    storage.setItem('duet-shown', text);
    const { forms, shown } = createFormKeeper(() => storage);
    expect(forms.draw).toEqual(emptyForm('draw'));
    expect(shown).toEqual({});
  });

  it('are not kept where the browser forbids it, and nothing fails', () => {
    const keeper = createFormKeeper(() => {
      throw new DOMException('denied', 'SecurityError');
    });
    keeper.keepForms({ ...keeper.forms, draw: { ...keeper.forms.draw, prompt: 'a dog' } });
    keeper.keepShown({});
    expect(keeper.forms.draw).toEqual(emptyForm('draw'));
  });
});
