/** Files that the page gives to a person: their names, and how the browser is made to save them. */

/** The words of a text as the name of a file, without an ending; `otherwise` where it has none. */
export function fileName(text: string, otherwise: string): string {
  const words = text.normalize('NFC').match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, 8).join('-').toLowerCase() || otherwise;
}

export function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The download has begun when the click returns, and holds the file itself.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
