/** The path of a request, without its query. */
import type { FastifyRequest } from 'fastify';

export function pathOf({ url }: Pick<FastifyRequest, 'url'>): string {
  const query = url.indexOf('?');
  return query < 0 ? url : url.slice(0, query);
}
