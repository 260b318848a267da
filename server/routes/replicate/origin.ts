/** Where the client found this server: answers of this family name everything by absolute address. */
import type { FastifyRequest } from 'fastify';

export function originOf({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}
