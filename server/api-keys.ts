/** The keys that clients must send: how they are read, and which are refused because they could be guessed or never match. */
import { DuetError } from '../src/core/errors.ts';

/** 24 random characters of base64 are 144 bits; a right key always passes, however many wrong ones came before. */
const leastLength = 24;
/** The same in every shell: double quotes outside, single ones inside. */
const command = `node -e "console.log(require('node:crypto').randomBytes(24).toString('base64url'))"`;

/** Keys of a configuration without the spaces and line ends that files leave around them. */
export function trimKeys(keys: readonly string[]): readonly string[] {
  return keys.map(key => key.trim()).filter(key => key !== '');
}

/** @throws DuetError 'invalid-config' naming the key by its place, never the key itself */
export function checkApiKeys(keys: readonly string[]): void {
  for (const [index, key] of trimKeys(keys).entries()) {
    const fault = faultOf(key);
    if (fault === undefined) continue;
    throw new DuetError('invalid-config', `API key ${index + 1} of ${keys.length} ${fault}. Make one with: ${command}`);
  }
}

function faultOf(key: string): string | undefined {
  if (/^(["']).*\1$/s.test(key)) {
    return 'has quotation marks around it, which are taken for a part of it (docker --env-file keeps them); leave them out';
  }
  if (!/^[\x21-\x7e]+$/.test(key)) {
    return 'has a space, a line break or a letter beyond ASCII inside, which headers do not carry; use letters, digits, - and _';
  }
  if (key.length < leastLength) return `has ${key.length} characters and could be guessed; use at least ${leastLength}`;
  return undefined;
}
