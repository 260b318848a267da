/** The OpenAI family: images, chat and models under /v1, for clients that know OpenAI's API. */
import type { FastifyPluginAsync } from 'fastify';

export const openaiRoutes: FastifyPluginAsync = async () => {};
