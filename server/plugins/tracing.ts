/**
 * OpenTelemetry spans of requests and jobs, through the API alone: without an SDK in the process (`node --import`) they are
 * empty objects that go nowhere.
 */
import { context, propagation, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JobObserver } from '../jobs/observers.ts';

export function traceRequests(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', async request => {
    const { method, headers, routeOptions } = request;
    const parent = propagation.extract(context.active(), headers);
    const route = routeOptions.url ?? 'unknown';
    const attributes = { 'http.request.method': method, 'http.route': route, 'duet.request_id': request.id };
    const span = trace.getTracer('duet').startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    spans.set(request, span);
  });
  app.addHook('onResponse', async (request, reply) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  });
}

/** One span per job, from its start to its end. */
export function tracingObserver(): JobObserver {
  const spans = new Map<string, Span>();
  return {
    started({ id, mode, request: { model = '', steps, n = 1 } }) {
      const attributes = { 'duet.job': id, 'duet.mode': mode, 'duet.model': model, 'duet.samples': n };
      const span = trace.getTracer('duet').startSpan(`job ${mode}`, { attributes });
      if (steps !== undefined) span.setAttribute('duet.steps', steps);
      spans.set(id, span);
    },
    step() {},
    ended({ id, status, error }) {
      const span = spans.get(id);
      spans.delete(id);
      if (status === 'failed') span?.setStatus({ code: SpanStatusCode.ERROR, message: error?.code ?? '' });
      span?.end();
    },
  };
}
