/** Copies text out of the page, also where the page came over plain http: there browsers give it no clipboard. */

/**
 * `field` shows the text. 'selected': the browser copies nothing for this page, but the text is selected, so that the
 * person's own copying takes it.
 */
export async function copyText(field: HTMLTextAreaElement): Promise<'copied' | 'selected'> {
  try {
    // Absent outside of secure contexts, though its type does not say so; refused where the browser's settings forbid it.
    const clipboard: Clipboard | undefined = navigator.clipboard;
    if (!clipboard) throw new Error('no clipboard');
    await clipboard.writeText(field.value);
    return 'copied';
  } catch {
    field.focus();
    field.select();
    return document.execCommand('copy') ? 'copied' : 'selected';
  }
}

/** Copies words that stand in no field. false: the browser copies nothing for this page. */
export async function copyWords(text: string): Promise<boolean> {
  const focused = document.activeElement;
  const field = Object.assign(document.createElement('textarea'), {
    value: text,
    className: 'unseen',
    ariaHidden: 'true',
  });
  document.body.append(field);
  const outcome = await copyText(field);
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return outcome === 'copied';
}
