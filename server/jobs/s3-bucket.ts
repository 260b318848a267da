/** One bucket of an S3-compatible store: reads and writes whole objects, with retries and with errors that say what to do. */
import { setTimeout as sleep } from 'node:timers/promises';
import { S3mini, S3ServiceError } from 's3mini';
import { DuetError } from '../../src/core/errors.ts';
import type { S3Location } from './s3-location.ts';

const attempts = 4;
const attemptMs = 20_000;
const firstPauseMs = 200;
/** Statuses of responses after which another attempt may succeed. */
const passing: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

export interface S3Object {
  readonly bytes: Uint8Array;
  /** Milliseconds since it was written, by the store's own clock, which has whole seconds; NaN if the response lacks it. */
  readonly ageMs: number;
}

/**
 * Everything here throws DuetError 'invalid-config' saying what is wrong with the place, once no attempt helped, or
 * 'storage-full'.
 */
export interface S3Bucket {
  get(key: string): Promise<S3Object | undefined>;
  put(key: string, content: string | Uint8Array, type: string): Promise<void>;
  /** Deletes an object; one that does not exist is ignored. */
  delete(key: string): Promise<void>;
  /** All keys that begin with `prefix`. */
  list(prefix: string): Promise<string[]>;
}

export function s3Bucket(place: S3Location): S3Bucket {
  const client = new S3mini({
    ...place.credentials,
    endpoint: `${place.endpoint}/${place.bucket}`,
    region: place.region,
    fetch: patientFetch,
  });
  const clearly = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      const code = isFull(error) ? 'storage-full' : 'invalid-config';
      throw new DuetError(code, faultOf(error, place), { cause: error });
    }
  };
  return {
    async get(key) {
      const response = await clearly(client.getObjectResponse(key));
      if (!response) return undefined;
      const { headers } = response;
      const ageMs = Date.parse(headers.get('date') ?? '') - Date.parse(headers.get('last-modified') ?? '');
      return { bytes: new Uint8Array(await response.arrayBuffer()), ageMs };
    },
    async put(key, content, type) {
      await clearly(client.putObject(key, content, type));
    },
    async delete(key) {
      await clearly(client.deleteObject(key));
    },
    async list(prefix) {
      const objects = await clearly(client.listObjects('/', prefix));
      if (!objects) throw new DuetError('invalid-config', noBucket(place));
      return objects.map(({ Key }) => Key);
    },
  };
}

/** As fetch, with the whole response in memory, a time limit, and further attempts after temporary faults. */
async function patientFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetchWhole(input, init);
      if (attempt === attempts || !passing.has(response.status)) return response;
    } catch (error) {
      if (attempt === attempts) throw error;
    }
    await sleep(firstPauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2));
  }
}

async function fetchWhole(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.timeout(attemptMs) });
  const body = await response.arrayBuffer();
  const { status, headers } = response;
  return new Response(status === 204 || status === 304 ? null : body, { status, headers });
}

function faultOf(error: unknown, place: S3Location): string {
  if (!(error instanceof S3ServiceError)) {
    return `The S3 store ${place.endpoint} cannot be reached (${causeOf(error)}); check --s3-endpoint and the network`;
  }
  const code = codeOf(error);
  if (code === 'NoSuchBucket' || error.status === 404) return noBucket(place);
  const said = `${error.status} ${code}`.trim();
  if (isFull(error)) {
    return `The disk or quota of the S3 store ${place.endpoint} is full at ${place.url} (${said}); make room there, delete jobs or choose another place with --data`;
  }
  if (error.status === 301 || error.status === 307 || code === 'AuthorizationHeaderMalformed') {
    return `The bucket ${place.bucket} is in another region than ${place.region} (${said}); set --s3-region`;
  }
  if (error.status === 401 || error.status === 403) {
    return `The S3 store ${place.endpoint} refuses access to ${place.url} (${said}); check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the clock, and that the key may list, read, write and delete there`;
  }
  return `The S3 store ${place.endpoint} fails at ${place.url} (${said}); see its log`;
}

/** Stores name it differently: `XMinioStorageFull`, `QuotaExceeded`, `StorageCapExceeded`, `InsufficientCapacity`, ... */
function isFull(error: unknown): boolean {
  if (!(error instanceof S3ServiceError)) return false;
  return error.status === 507 || /quota|storage_?full|cap_?exceeded|insufficient|no_?space/i.test(codeOf(error));
}

function codeOf(error: S3ServiceError): string {
  return /<Code>([A-Za-z]+)<\/Code>/.exec(error.body ?? '')?.[1] ?? error.serviceCode ?? '';
}

function noBucket({ bucket, endpoint }: S3Location): string {
  return `There is no bucket ${bucket} at ${endpoint}; make it, or choose another with --data s3://bucket/prefix`;
}

/** The innermost cause: the message of fetch itself is only that it failed. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return causeOf(error.cause);
  return (error as NodeJS.ErrnoException).code?.toString() ?? error.message;
}
