/**
 * The server's configuration: one schema for flags, environment, duet.config.json and defaults. Keys are camelCase in the
 * file, kebab-case as flags and DUET_UPPER_CASE in the environment.
 */
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../src/core/errors.ts';
import { embeddedChatModel } from '../src/pipelines/index.ts';

const mebibyte = 2 ** 20;
const texts = (description: string, examples: string) =>
  Type.Array(Type.String({ minLength: 1 }), { default: [], description, examples: [examples] });
const whole = (minimum: number, maximum: number, value: number, description: string) =>
  Type.Integer({ minimum, maximum, default: value, description });

export const serverConfigSchema = Type.Object(
  {
    host: Type.String({ minLength: 1, default: '127.0.0.1', description: 'address to listen on' }),
    port: whole(0, 65_535, 7860, 'port to listen on; 0 takes a free one'),
    model: Type.String({
      minLength: 1,
      default: embeddedChatModel,
      description: 'an embedded model or a model folder',
    }),
    device: Type.Enum(['cpu', 'tensorflow', 'reference'], {
      default: 'cpu',
      description: 'where networks run',
    }),
    precision: Type.Enum(['fp32', 'int8'], {
      default: 'fp32',
      description: 'how networks multiply: int8 is twice as fast and a little less exact',
    }),
    threads: whole(0, 1024, 0, 'threads of the networks; 0 takes all cores'),
    maxMemory: whole(
      0,
      10_000_000,
      0,
      'MiB of memory at which the inference process is replaced between calls; 0 is no ceiling',
    ),
    apiKeys: texts(
      'keys that clients must send, of 24 characters at least; without any, everybody on the address may ask',
      'key1,key2',
    ),
    allowedHosts: texts('further Host names that requests may come for', 'duet.example.org'),
    trustProxy: Type.Boolean({ default: false, description: 'believe X-Forwarded headers: only behind a proxy' }),
    corsOrigins: texts('web origins that may call from a browser', 'https://app.example.org'),
    imageUrlHosts: texts('hosts from which image_url may be fetched; none turns fetching off', 'images.example.org'),
    data: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: 'duet-data',
      description: 'folder or s3://bucket/prefix of results and history; "none" keeps them in memory',
    }),
    s3Endpoint: Type.Union([Type.String({ pattern: '^https?://[^@/?#\\s]+/?$' }), Type.Null()], {
      default: null,
      description:
        'http(s)://host:port of an S3-compatible store; none is AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or AWS',
    }),
    s3Region: Type.Union([Type.String({ pattern: '^[A-Za-z0-9-]+$' }), Type.Null()], {
      default: null,
      description: 'region of the bucket; none is AWS_REGION, AWS_DEFAULT_REGION or us-east-1',
    }),
    maxDataMegabytes: whole(1, 10_000_000, 2048, 'size of what is kept at which the oldest results go'),
    maxAgeHours: whole(1, 1_000_000, 24 * 30, 'age at which results go'),
    maxJobs: whole(1, 1_000_000, 10_000, 'number of results at which the oldest go'),
    unfinished: Type.Enum(['requeue', 'fail'], {
      default: 'requeue',
      description: 'what becomes of jobs that were queued or running when the server stopped or died',
    }),
    queue: Type.Union([Type.String({ pattern: '^rediss?://' }), Type.Null()], {
      default: null,
      description: 'redis:// address of a queue that workers take jobs from; none runs them here',
    }),
    maxQueue: whole(0, 100_000, 64, 'jobs that may wait; more are answered with 429'),
    maxRunning: whole(1, 1024, 16, 'jobs that run together, sharing batches'),
    maxSamples: whole(1, 1024, 16, 'samples one request may ask for'),
    maxSteps: whole(1, 1000, 250, 'steps one request may ask for'),
    keyConcurrency: whole(0, 100_000, 0, 'jobs that one key may have queued or running; 0 is no limit'),
    rateLimit: whole(0, 1_000_000, 0, 'requests a minute per key or address; 0 is no limit'),
    maxBodyBytes: whole(1024, 1024 * mebibyte, 32 * mebibyte, 'size of a request'),
    maxPixels: whole(1, 1_000_000_000, 40_000_000, 'pixels of a picture sent in'),
    maxEventLoopDelay: whole(0, 60_000, 1000, 'delay of the event loop in ms at which requests get 503; 0 is no limit'),
    shutdownSeconds: whole(0, 3600, 20, 'time that running jobs get to finish when the server stops'),
    logLevel: Type.Enum(['auto', 'fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      default: 'auto',
      description: 'how much is logged; auto is warn on a terminal and info elsewhere',
    }),
  },
  { additionalProperties: false },
);

export type ServerConfig = Static<typeof serverConfigSchema>;

/** `values` over the defaults, checked. @throws DuetError 'invalid-config' @testOnly */
export function serverConfig(values: Partial<ServerConfig> = {}): ServerConfig {
  const config: unknown = { ...Value.Create(serverConfigSchema), ...values };
  if (Value.Check(serverConfigSchema, config)) return config;
  const [first] = Value.Errors(serverConfigSchema, config);
  throw new DuetError('invalid-config', `${first?.instancePath.slice(1) ?? 'configuration'} ${first?.message ?? ''}`);
}
