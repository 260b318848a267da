/** The A1111 family: the core of /sdapi/v1, for clients that know stable-diffusion-webui's API. */
import type { FastifyPluginAsync } from 'fastify';

export const sdapiRoutes: FastifyPluginAsync = async () => {};
