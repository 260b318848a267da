/** What a server would run with here, and whether it could: for `duet doctor`. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { packageRoot, packageVersion } from '../src/core/package-root.ts';
import { describeModel, inference } from '../src/pipelines/index.ts';
import { checkApiKeys } from './api-keys.ts';
import { type ConfigKey, configKeys, type Origin, type ResolvedConfig } from './config-sources.ts';
import { checkWritable } from './jobs/data-folder.ts';
import { loadRedisPackages } from './jobs/redis/connect.ts';
import { isS3Url, type S3Location, s3Location } from './jobs/s3-location.ts';

const mebibyte = 2 ** 20;

export interface DoctorReport {
  readonly isHealthy: boolean;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: { readonly cores: number; readonly memoryGigabytes: number; readonly platform: string };
  readonly checks: readonly Check[];
  readonly configFile: string | null;
  readonly config: Readonly<Partial<Record<ConfigKey, { readonly value: unknown; readonly origin: Origin }>>>;
  /** DUET_ variables that nothing reads: typing errors, most likely. */
  readonly unknownVariables: readonly string[];
}

interface Check {
  readonly name: string;
  readonly isFine: boolean;
  readonly detail: string;
}

export async function examine({ config, origins, file, unknownVariables }: ResolvedConfig): Promise<DoctorReport> {
  const { apiKeys, model, data, queue } = config;
  const checks = await Promise.all([
    check('node', async () => {
      const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
      const isOld = major < 20 || (major === 20 && minor < 19);
      if (isOld) throw new Error(`Node ${process.versions.node} is too old; install 20.19 or later`);
      return process.versions.node;
    }),
    check('inference process', async () => {
      const { residentBytes = 0 } = await inference.check();
      const { version } = createRequire(import.meta.url)('onnxruntime/package.json') as { version: string };
      return `ONNX Runtime ${version}, ${Math.round(residentBytes / mebibyte)} MiB resident without a model`;
    }),
    check('sharp', async () => {
      const { default: sharp } = await import('sharp');
      return `${sharp.versions.sharp}, libvips ${sharp.versions.vips}`;
    }),
    check('model', async () => {
      const { description: found, folder } = await describeModel(model);
      return `${found.name}, ${found.family}, ${sizeOf(found)}, in ${folder}`;
    }),
    check('data folder', async () => {
      if (data === null) return 'none: results are kept in memory only';
      if (isS3Url(data)) return checkBucket(s3Location(data, config, process.env));
      await checkWritable(data);
      return `${data} can be written`;
    }),
    ...(queue === null ? [] : [check('queue', () => pingRedis(queue))]),
    check('api keys', async () => {
      checkApiKeys(apiKeys);
      return apiKeys.length === 0
        ? 'none: everybody who reaches the address may ask'
        : `${apiKeys.length}, long enough`;
    }),
    check('page', async () =>
      existsSync(join(packageRoot(), 'web', 'dist', 'index.html')) ? 'built' : 'not built: npm run build',
    ),
  ]);
  const shown = { ...config, apiKeys: `${apiKeys.length} keys`, queue: queue && withoutPassword(queue) };
  return {
    isHealthy: checks.every(({ isFine }) => isFine),
    versions: { duet: packageVersion(), node: process.versions.node },
    machine: {
      cores: cpus().length,
      memoryGigabytes: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
    },
    checks,
    configFile: file ?? null,
    config: Object.fromEntries(configKeys.map(key => [key, { value: shown[key], origin: origins[key] }])),
    unknownVariables,
  };
}

async function checkBucket(place: S3Location): Promise<string> {
  const { checkWritableBucket } = await import('./jobs/s3-store.ts');
  await checkWritableBucket(place);
  return `${place.url} at ${place.endpoint}, region ${place.region}, can be written`;
}

async function pingRedis(url: string): Promise<string> {
  const { Redis } = await loadRedisPackages();
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => {}); // thrown by the calls below
  try {
    await redis.connect();
    await redis.ping();
    return `${withoutPassword(url)} answers`;
  } catch (error) {
    throw new Error(`${withoutPassword(url)} does not answer: ${String(error)}`, { cause: error });
  } finally {
    redis.disconnect();
  }
}

function withoutPassword(url: string): string {
  const shown = new URL(url);
  if (shown.password !== '') shown.password = 'hidden';
  return shown.href;
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, isFine: true, detail: await look() };
  } catch (error) {
    return { name, isFine: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

function sizeOf({ imageSize }: { readonly imageSize?: number }): string {
  return imageSize === undefined ? 'words alone' : `${imageSize} x ${imageSize} pixels`;
}
