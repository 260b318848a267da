/** The service put together: plugins and routes in the order they act. Knows no process, port or signal: see serve.ts. */
import { join } from 'node:path';
import { fastifySSE } from '@fastify/sse';
import fastify, {
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { packageRoot, packageVersion } from '../src/core/package-root.ts';
import type { ServerConfig } from './config.ts';
import { logFault } from './errors.ts';
import { inferenceCheck, logDeaths } from './inference.ts';
import { openJobs } from './jobs/open.ts';
import { pictureInput } from './picture-input.ts';
import { describeRoutes, serveApiDocs } from './plugins/api-docs.ts';
import { requireApiKey } from './plugins/auth.ts';
import { acceptBodies } from './plugins/body-types.ts';
import { noticeDisconnects } from './plugins/client-disconnect.ts';
import { guardHosts } from './plugins/host-guard.ts';
import { createMetrics, serveMetrics } from './plugins/metrics.ts';
import { pageFor, servePage } from './plugins/page.ts';
import { answerWithRequestId, requestId } from './plugins/request-id.ts';
import { pathOf } from './plugins/request-path.ts';
import { sendSecurityHeaders } from './plugins/security-headers.ts';
import { traceRequests, tracingObserver } from './plugins/tracing.ts';
import { limitTraffic } from './plugins/traffic-limits.ts';
import { healthRoutes } from './routes/health.ts';
import { nativeRoutes } from './routes/native/index.ts';
import { toOpenaiError } from './routes/openai/errors.ts';
import { openaiRoutes } from './routes/openai/index.ts';
import { toReplicateError } from './routes/replicate/errors.ts';
import { replicateRoutes } from './routes/replicate/index.ts';
import { toSdapiError } from './routes/sdapi/errors.ts';
import { sdapiRoutes } from './routes/sdapi/index.ts';
import { withLimits } from './served-options.ts';
import type { LoadedModel } from './types.ts';

export interface AppOptions {
  readonly config: ServerConfig;
  /** The default model first. */
  readonly models: readonly LoadedModel[];
  /** @default no logs */
  readonly logger?: Exclude<FastifyServerOptions['logger'], undefined>;
  /** The built page. @default the package's own */
  readonly pageFolder?: string;
}

/** Model ids hold slashes and may be long paths. */
const longestParam = 256;
const requestSeconds = 120;
const lastAnswersMs = 2000;
const hour = 3_600_000;

/**
 * The application, ready to listen or to be injected into. `close` ends its jobs.
 * @example const app = await buildApp({ config: serverConfig({ data: null }), models: [fakeModel()] })
 */
export async function buildApp({ config, logger, pageFolder, ...given }: AppOptions): Promise<FastifyInstance> {
  const models = given.models.map(model => withLimits(model, config));
  const app = fastify({
    logger: logger ?? false,
    bodyLimit: config.maxBodyBytes,
    // Clients put the address together from a base URL that may end in a slash.
    routerOptions: { maxParamLength: longestParam, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true },
    genReqId: requestId,
    requestTimeout: requestSeconds * 1000, // to receive a request, not to answer it
    trustProxy: config.trustProxy,
    frameworkErrors: answerError, // addresses that cannot even be read
  });
  app.setErrorHandler(answerError);
  const page = pageFolder ?? join(packageRoot(), 'web', 'dist');
  app.setNotFoundHandler((request, reply) => {
    const shown = pageFor(request, reply, page);
    if (shown) return shown;
    const message = `There is nothing at ${request.method} ${pathOf(request).slice(0, 200)}`;
    const error = { message, type: 'invalid_request_error', param: null, code: 'unknown_url' };
    return reply.code(404).send({ error });
  });
  const metrics = createMetrics(config.device, models);
  const observers = [metrics.observer, tracingObserver()];
  const jobs = await openJobs({ config, models, log: app.log, observers });
  metrics.watch(jobs);
  app.decorate('config', config);
  app.decorate('jobs', jobs);
  app.decorate('drain', milliseconds => jobs.drain(milliseconds));
  app.decorate('pictures', pictureInput(config));
  app.decorate('models', {
    list: () => models.map(({ info }) => info),
    get: id => models.find(({ info }) => info.id === id)?.info,
  });
  const hourly = setInterval(() => void jobs.forgetExpired(), hour).unref();
  app.addHook('preClose', async () => {
    // Connections without a whole request would keep a closing server open; answers under way get a moment.
    setTimeout(() => app.server.closeAllConnections(), lastAnswersMs).unref();
  });
  app.addHook('onClose', async () => {
    clearInterval(hourly);
    await jobs.drain(0);
    await jobs.close();
  });

  answerWithRequestId(app);
  noticeDisconnects(app);
  traceRequests(app);
  await sendSecurityHeaders(app, config);
  guardHosts(app, config);
  requireApiKey(app, config.apiKeys);
  await limitTraffic(app, config);
  await acceptBodies(app, config);
  await app.register(fastifySSE);
  const version = packageVersion();
  await describeRoutes(app, version);

  await app.register(nativeRoutes, { prefix: '/v1' });
  await app.register(openaiRoutes, { prefix: '/v1' });
  await app.register(sdapiRoutes, { prefix: '/sdapi/v1' });
  await app.register(replicateRoutes, { prefix: '/replicate/v1' });
  healthRoutes(app, jobs, [inferenceCheck, ...jobs.checks]);
  logDeaths(app);
  serveMetrics(app, metrics);
  await serveApiDocs(app);
  await servePage(app, page);
  return app;
}

/** For requests that belong to no family of routes, and for those whose address cannot be read. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, headers, body } = errorShapeOf(pathOf(request))(error);
  logFault(request.log, error, status);
  reply.code(status).headers(headers).send(body);
}

function errorShapeOf(path: string) {
  if (path.startsWith('/sdapi/')) return toSdapiError;
  return path.startsWith('/replicate/') ? toReplicateError : toOpenaiError;
}
