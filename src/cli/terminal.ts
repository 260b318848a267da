/** Everything the command line touches outside itself, so that tests can pass their own. */
import type { Readable, Writable } from 'node:stream';

/** A stream to a person or a file; `isTTY` and `columns` as Node's own streams have them. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number };

export interface Terminal {
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Writes and waits until the stream has taken it, so that nothing is lost when the process ends. */
export function write(stream: Writable, content: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(content, error => (error ? reject(error) : resolve()));
  });
}

/** All bytes of `stream` up to `limit`; throws a RangeError beyond it. */
export async function readAll(stream: Readable, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : (chunk as Uint8Array);
    size += bytes.length;
    if (size > limit) throw new RangeError(`standard input holds more than ${limit} bytes`);
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Without control characters: files and models' words come from strangers, and a terminal obeys escape sequences. */
export function visible(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, '\ufffd');
}
