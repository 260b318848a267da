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
