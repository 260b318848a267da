/** The service put together: plugins and routes in the order they act. Knows no process, port or signal: see serve.ts. */
import fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import type { ServerConfig } from './config.ts';
import { openaiRoutes } from './routes/openai/index.ts';
import { sdapiRoutes } from './routes/sdapi/index.ts';
import type { LoadedModel } from './types.ts';

export interface AppOptions {
  readonly config: ServerConfig;
  /** The default model first. */
  readonly models: readonly LoadedModel[];
  /** @default no logs */
  readonly logger?: FastifyBaseLogger;
}

/** @example const app = await buildApp({ config: serverConfig({ data: null }), models: [fakeModel()] }) */
export async function buildApp({ config, models, logger }: AppOptions): Promise<FastifyInstance> {
  const app = fastify({
    ...(logger && { loggerInstance: logger }),
    bodyLimit: config.maxBodyBytes,
    routerOptions: { maxParamLength: 256 },
  });
  app.decorate('config', config);
  app.decorate('models', {
    list: () => models.map(({ info }) => info),
    get: (id: string) => models.find(({ info }) => info.id === id)?.info,
  });
  await app.register(openaiRoutes, { prefix: '/v1' });
  await app.register(sdapiRoutes, { prefix: '/sdapi/v1' });
  return app;
}
