/** Compatibility routes ignore fields that they do not know, as their clients need; which ones, a header of the answer says. */
import type { FastifyReply, FastifyRequest } from 'fastify';

interface Fields {
  readonly properties?: Readonly<Record<string, Fields>>;
  readonly [keyword: string]: unknown;
}

const header = 'x-ignored-fields';
const longest = 1000;

/** A `preValidation` hook, after the body is read. Fields of null are absent, and so not ignored. */
export async function tellIgnoredFields({ body, routeOptions }: FastifyRequest, reply: FastifyReply): Promise<void> {
  tellIgnored(reply, ignoredIn(body, (routeOptions.schema?.body ?? {}) as Fields));
}

/** Adds names to those that the header tells. */
export function tellIgnored(reply: FastifyReply, more: readonly string[]): void {
  const told = reply.getHeader(header);
  const names = [...(typeof told === 'string' ? told.split(', ') : []), ...more];
  if (names.length === 0) return;
  const list = names.map(name => name.slice(0, 100).replace(/[^\w.[\]-]/g, '?')).join(', ');
  reply.header(header, list.length > longest ? `${list.slice(0, longest)}...` : list);
}

/** Of objects within, those that the schema describes field by field: `input.lora` of a prediction. */
function ignoredIn(body: unknown, { properties = {} }: Fields, prefix = ''): string[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return [];
  return Object.entries(body).flatMap(([name, value]) => {
    if (value === null || value === '') return [];
    const field = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (field === undefined || field['x-ignored'] === true) return [prefix + name];
    return field.properties ? ignoredIn(value, field, `${prefix}${name}.`) : [];
  });
}
