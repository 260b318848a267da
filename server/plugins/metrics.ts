/** Prometheus metrics of requests, jobs and the process, at /metrics. */
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { inference } from '../../src/pipelines/index.ts';
import type { JobObserver } from '../jobs/observers.ts';
import type { LoadedModel } from '../types.ts';

/** Seconds. Requests that wait for a generation last as long as it does. */
const durations = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300];
const stepDurations = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export interface Metrics {
  readonly registry: Registry;
  readonly observer: JobObserver;
  readonly requests: Histogram;
  /** Also shows how many jobs there are. */
  watch(jobs: { readonly queued: number; readonly running: number }): void;
}

export function createMetrics(device: string, models: readonly LoadedModel[]): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: durations,
    registers,
  });
  const waits = new Histogram({
    name: 'job_wait_seconds',
    help: 'Time that jobs waited before they ran',
    labelNames: ['mode'],
    buckets: durations,
    registers,
  });
  const steps = new Histogram({
    name: 'step_seconds',
    help: 'Time of one sampling step of a job',
    labelNames: ['model', 'device'],
    buckets: stepDurations,
    registers,
  });
  const generations = new Counter({
    name: 'generations_total',
    help: 'Jobs that ended, by how',
    labelNames: ['mode', 'outcome'],
    registers,
  });
  const loads = new Gauge({
    name: 'model_load_seconds',
    help: 'Time that loading the model took',
    labelNames: ['model'],
    registers,
  });
  for (const { info, loadSeconds = 0 } of models) loads.set({ model: info.id }, loadSeconds);

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  watchInference();

  function watchInference(): void {
    const { status } = inference;
    gauge('inference_process_resident_bytes', 'Resident memory of the inference process; 0 if there is none', () => {
      const { pid, residentBytes = 0 } = status();
      return pid === undefined ? 0 : residentBytes;
    });
    gauge('inference_process_ready', '1 while an inference process is ready for calls', () =>
      status().state === 'ready' ? 1 : 0,
    );
    counter('inference_process_deaths_total', 'Inference processes that died by themselves', () => status().deaths);
    counter(
      'inference_process_replacements_total',
      'Inference processes ended to interrupt a call or because of their size',
      () => status().replacements,
    );
  }

  function counter(name: string, help: string, read: () => number): void {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  const observer: JobObserver = {
    started: ({ mode, created, started = created }) => waits.observe({ mode }, Math.max(0, started - created) / 1000),
    step: ({ request: { model = '' } }, milliseconds) => steps.observe({ model, device }, milliseconds / 1000),
    ended: ({ mode, status }) => generations.inc({ mode, outcome: status }),
  };
  return {
    registry,
    observer,
    requests,
    watch(jobs) {
      gauge('queue_depth', 'Jobs that wait', () => jobs.queued);
      gauge('jobs_running', 'Jobs that run', () => jobs.running);
    },
  };
}

export function serveMetrics(app: FastifyInstance, { registry, requests }: Metrics): void {
  app.addHook('onResponse', async (request, reply) => {
    // The pattern, not the address: otherwise every job would be a metric of its own.
    const route = request.routeOptions.url ?? 'unknown';
    requests.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
