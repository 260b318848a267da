/**
 * The path of a request, without its query, as the router reads it: decoded, of doubled slashes one, and of an absolute
 * address (RFC 9112, section 3.2.2) the path alone. What decides by the path must not be got around by spelling it otherwise.
 */
import type { FastifyRequest } from 'fastify';

export function pathOf({ url }: Pick<FastifyRequest, 'url'>): string {
  const [path = ''] = url.split(/[?#]/, 1);
  return decoded(path.replace(/^https?:\/\/[^/]*/, '').replace(/\/{2,}/g, '/'));
}

/** What cannot be decoded stays as it is; the router refuses it. */
function decoded(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}
