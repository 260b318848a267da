/**
 * Pictures behind http and https addresses that the caller chose, limited in size, time and redirects. What strangers
 * choose on a server is fetched elsewhere, under stricter rules (server/image-url.ts).
 */
import { DuetError } from '../core/errors.ts';

export interface FetchLimits {
  readonly maxBytes: number;
  /** For everything together. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const mostRedirects = 5;

/** The bytes behind `address`. @throws DuetError 'invalid-image' saying why there are none; the signal's reason */
export async function fetchPicture(address: string | URL, limits: FetchLimits): Promise<Uint8Array> {
  const { timeoutMs, signal } = limits;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    return await follow(parse(String(address)), limits, signal ? AbortSignal.any([signal, deadline]) : deadline);
  } catch (error) {
    signal?.throwIfAborted();
    if (DuetError.isInstance(error)) throw error;
    const reason = deadline.aborted ? `no whole answer within ${timeoutMs} ms` : reasonOf(error);
    throw new DuetError('invalid-image', `Cannot get the picture ${shownAddress(address)}: ${reason}`, {
      cause: error,
    });
  }
}

/** Without what may be secret: user, password and query. */
export function shownAddress(address: string | URL): string {
  if (!URL.canParse(String(address))) return String(address);
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname}`;
}

async function follow(start: URL, { maxBytes }: FetchLimits, signal: AbortSignal): Promise<Uint8Array> {
  let url = start;
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const headers = { accept: 'image/*', 'user-agent': 'duet' };
    const response = await fetch(url, { redirect: 'manual', headers, signal });
    const location = response.headers.get('location');
    if (response.ok) return readUpTo(response, url, maxBytes);
    await response.body?.cancel();
    if (response.status < 300 || response.status >= 400 || location === null) {
      throw new DuetError('invalid-image', `Cannot get the picture ${shownAddress(url)}: status ${response.status}`);
    }
    url = parse(location, url);
  }
  throw new DuetError(
    'invalid-image',
    `Cannot get the picture ${shownAddress(start)}: it redirects more than ${mostRedirects} times`,
  );
}

function parse(text: string, base?: URL): URL {
  const url = URL.canParse(text, base?.href) ? new URL(text, base?.href) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new DuetError('invalid-image', `${shownAddress(text)} is no http or https address of a picture`);
  }
  if (url.username === '' && url.password === '') return url;
  throw new DuetError('invalid-image', `The address ${shownAddress(url)} must not hold a user name or password`);
}

async function readUpTo(response: Response, url: URL, maxBytes: number): Promise<Uint8Array> {
  const tooLarge = () =>
    new DuetError('invalid-image', `${shownAddress(url)} has more than the ${maxBytes} bytes allowed; make it smaller`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(); // leaving the loop closes the connection
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** `fetch` says "fetch failed"; its cause says why. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const errors = cause instanceof AggregateError ? cause.errors : [cause ?? error];
  return errors
    .map(each => (each instanceof Error ? each.message || (each as NodeJS.ErrnoException).code : String(each)))
    .join('; ');
}
