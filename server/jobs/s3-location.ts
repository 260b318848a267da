/** Where in an S3-compatible store results go, and with which key: from the configuration and the AWS tools' variables. */
import { DuetError } from '../../src/core/errors.ts';
import type { ServerConfig } from '../config.ts';

export interface S3Location {
  /** As given: `s3://bucket/prefix`. */
  readonly url: string;
  readonly bucket: string;
  /** The prefix, without slashes at its ends; an empty one means the whole bucket. */
  readonly prefix: string;
  /** `https://host:port`, without a path. */
  readonly endpoint: string;
  readonly region: string;
  /** Secret: never logged, never shown. */
  readonly credentials: S3Credentials;
}

interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Names that need no escaping anywhere, and no segment of dots, which an address would lose. */
const placePattern = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:\/(?!\.+(?:\/|$))[A-Za-z0-9_.-]+)*)\/?$/;

/** Whether results go to a bucket, and not to a folder. */
export function isS3Url(data: string): boolean {
  return /^s3:/i.test(data);
}

/**
 * @param data `s3://bucket/prefix`
 * @throws DuetError 'invalid-config' if the address is none, or the environment has no key
 */
export function s3Location(
  data: string,
  config: Pick<ServerConfig, 's3Endpoint' | 's3Region'>,
  env: Environment,
): S3Location {
  const [, bucket, path = ''] = placePattern.exec(data) ?? [];
  if (bucket === undefined) {
    throw new DuetError(
      'invalid-config',
      `${JSON.stringify(data)} names no place for results: give --data s3://bucket/prefix, of letters, digits and . _ -`,
    );
  }
  const region = config.s3Region ?? (env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1');
  const endpoint = config.s3Endpoint ?? (env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL']);
  return {
    url: data,
    bucket,
    prefix: path.slice(1),
    region,
    endpoint: endpoint ? originOf(endpoint) : `https://s3.${region}.amazonaws.com`,
    credentials: credentialsOf(env),
  };
}

function originOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  const isPlain = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash;
  if (isPlain && !url.username && !url.password) return url.origin;
  throw new DuetError(
    'invalid-config',
    'The S3 endpoint must be http://host:port or https://host:port and no more; keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  );
}

function credentialsOf(env: Environment): S3Credentials {
  const accessKeyId = env['AWS_ACCESS_KEY_ID'];
  const secretAccessKey = env['AWS_SECRET_ACCESS_KEY'];
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID';
    throw new DuetError('invalid-config', `Results in S3 need a key: set ${missing} in the server's environment`);
  }
  if (env['AWS_SESSION_TOKEN']) {
    throw new DuetError(
      'invalid-config',
      'AWS_SESSION_TOKEN is set, but a server outlives temporary keys; give it a key of its own and unset the token',
    );
  }
  return { accessKeyId, secretAccessKey };
}
