/** Tokens back to text, by the decoders of Hugging Face's tokenizers, as a tokenizer.json lists them. */
import { DuetError } from '../core/errors.ts';

export type TokenDecoder = (tokens: readonly string[]) => readonly string[];

/** A decoder's description in a tokenizer.json, as far as some decoder has the field. */
interface DecoderJson {
  readonly type: string;
  readonly decoders?: readonly DecoderJson[];
  readonly pattern?: { readonly String?: string; readonly Regex?: string };
  readonly content?: string;
  readonly start?: number;
  readonly stop?: number;
  readonly replacement?: string;
  readonly prepend_scheme?: string;
  readonly add_prefix_space?: boolean;
  readonly suffix?: string;
  readonly prefix?: string;
  readonly cleanup?: boolean;
}

/**
 * @param json what the tokenizer.json has as its `decoder`
 * @throws DuetError 'invalid-config' for a decoder that is not built
 */
export function tokenDecoder(json: unknown, origin: string): TokenDecoder {
  if (json === null || json === undefined) return tokens => [tokens.join(' ')];
  const { type, ...options } = json as DecoderJson;
  switch (type) {
    case 'Sequence': {
      const decoders = (options.decoders ?? []).map(decoder => tokenDecoder(decoder, origin));
      return tokens => decoders.reduce((current, decoder) => decoder(current), tokens);
    }
    case 'ByteLevel':
      return tokens => [utf8.decode(Uint8Array.from(tokens.flatMap(symbolBytes)))];
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return tokens => [tokens.join('')];
    case 'Replace': {
      const { pattern, content } = options;
      if (pattern?.String === undefined || content === undefined) {
        throw new DuetError(
          'invalid-config',
          `${origin}: a Replace decoder needs a text as its pattern, and a content`,
        );
      }
      return tokens => tokens.map(token => token.replaceAll(pattern.String!, () => content));
    }
    case 'Strip': {
      const { content = ' ', start = 0, stop = 0 } = options;
      return tokens => tokens.map(token => strip(token, content, start, stop));
    }
    case 'Metaspace': {
      const { replacement = '▁', prepend_scheme: scheme, add_prefix_space: prefix = true } = options;
      const drops = scheme === undefined ? prefix : scheme !== 'never';
      return tokens =>
        tokens.map((token, index) => {
          const own = index === 0 && drops && token.startsWith(replacement) ? token.slice(replacement.length) : token;
          return own.replaceAll(replacement, ' ');
        });
    }
    case 'BPEDecoder': {
      const { suffix = '</w>' } = options;
      return tokens => tokens.map((token, index) => token.replaceAll(suffix, index === tokens.length - 1 ? '' : ' '));
    }
    case 'WordPiece': {
      const { prefix = '##', cleanup = true } = options;
      const joined = (token: string, index: number) =>
        index === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`;
      return tokens => tokens.map((token, index) => (cleanup ? cleanedUp(joined(token, index)) : joined(token, index)));
    }
    default:
      throw new DuetError(
        'invalid-config',
        `${origin}: the decoder ${JSON.stringify(type)} is none of Sequence, ByteLevel, ByteFallback, Fuse, Replace, Strip, Metaspace, BPEDecoder, WordPiece`,
      );
  }
}

/** Without the blanks that stand in front of signs and endings, in the order in which Hugging Face's library takes them out. */
function cleanedUp(token: string): string {
  const endings = [' .', ' ?', ' !', ' ,', " ' ", " n't", " 'm", ' do not', " 's", " 've", " 're"];
  const without = (ending: string) => (ending === ' do not' ? " don't" : ending.trim());
  return endings.reduce((text, ending) => text.replaceAll(ending, () => without(ending)), token);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** GPT-2's printable stand-ins for bytes: printable ones stand for themselves, the 68 others are 256, 257, ... in order. */
const byteOfSymbol = new Map<string, number>();
for (let byte = 0, others = 0; byte < 256; byte++) {
  const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  byteOfSymbol.set(String.fromCodePoint(isPrintable ? byte : 256 + others++), byte);
}

/** The stand-ins of all bytes. */
export const byteSymbols: readonly string[] = [...byteOfSymbol.keys()];

/** A token that holds anything but stand-ins (an added one) means its own text. */
function symbolBytes(token: string): number[] {
  const bytes = Array.from(token, symbol => byteOfSymbol.get(symbol));
  return bytes.every(byte => byte !== undefined) ? bytes : [...encoder.encode(token)];
}

/** Runs of tokens like <0xE2> as the text that their bytes are; each byte of a run that is no text becomes U+FFFD. */
function byteFallback(tokens: readonly string[]): string[] {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length === 0) return;
    try {
      out.push(strictUtf8.decode(Uint8Array.from(bytes)));
    } catch {
      out.push(...bytes.map(() => '\ufffd'));
    }
    bytes = [];
  };
  for (const token of tokens) {
    const hex = /^<0x([0-9a-fA-F]{2})>$/.exec(token)?.[1];
    if (hex !== undefined) {
      bytes.push(Number.parseInt(hex, 16));
      continue;
    }
    flush();
    out.push(token);
  }
  flush();
  return out;
}

/** Takes up to `start` and `stop` times `content` (one character) off the two ends. */
function strip(token: string, content: string, start: number, stop: number): string {
  let [from, to] = [0, token.length];
  while (from < start * content.length && token.startsWith(content, from)) from += content.length;
  while (to > from && token.length - to < stop * content.length && token.slice(from, to).endsWith(content)) {
    to -= content.length;
  }
  return token.slice(from, to);
}
