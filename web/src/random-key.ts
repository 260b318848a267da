/** 128 random bits in hexadecimal. crypto.randomUUID is not used, as pages on plain http lack it. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}
