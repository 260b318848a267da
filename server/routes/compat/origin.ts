/** Where the client found this server: some answers name things by absolute address. */
import type { FastifyRequest } from 'fastify';

export function originOf({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}
