/** Requests a minute per key or address, and a refusal while the process cannot keep up. */
import rateLimit from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { DuetError } from '../../src/core/errors.ts';
import type { ServerConfig } from '../config.ts';
import { pathOf } from './request-path.ts';

const api = /^\/(v1|sdapi|replicate)\//;

export async function limitTraffic(app: FastifyInstance, config: ServerConfig): Promise<void> {
  if (config.maxEventLoopDelay > 0) {
    await app.register(underPressure, {
      maxEventLoopDelay: config.maxEventLoopDelay,
      pressureHandler: request => {
        if (api.test(pathOf(request))) throw new DuetError('overloaded', 'The server is overloaded; try again later');
      },
    });
  }
  if (config.rateLimit === 0) return;
  await app.register(rateLimit, {
    max: config.rateLimit,
    timeWindow: 60_000,
    keyGenerator: ownerOrAddress,
    allowList: request => !api.test(pathOf(request)),
    errorResponseBuilder: (_request, { max, ttl }) =>
      new DuetError('rate-limited', `More than ${max} requests in a minute; wait a little`, {
        retryAfter: Math.max(1, Math.ceil(ttl / 1000)),
      }),
  });
}

function ownerOrAddress(request: FastifyRequest): string {
  return request.owner === 'anonymous' ? request.ip : request.owner;
}
