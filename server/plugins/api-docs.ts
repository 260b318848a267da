/** /openapi.json, written from the routes' schemas, and /docs to read it; nothing is fetched from elsewhere. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';

/** Before the routes. */
export async function describeRoutes(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Duet', version, description: 'Draw, describe and imagine: one model, as a service.' },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key, where the server has any' },
          basic: { type: 'http', scheme: 'basic', description: 'The same key as password' },
        },
      },
      security: [{ bearer: [] }, { basic: [] }, {}],
    },
  });
}

/** After the routes. */
export async function serveApiDocs(app: FastifyInstance): Promise<void> {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: false, uiConfig: { validatorUrl: null } });
}
