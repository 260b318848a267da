/** A real S3-compatible server for tests, on a free port: it knows one key by its id, whose signatures it does not check. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { type S3Location, s3Location } from '../jobs/s3-location.ts';

/** The one key that the server knows. */
const key = 'S3RVER';

export interface TestS3 {
  readonly endpoint: string;
  /** What a server's environment needs to use it. */
  readonly env: Readonly<Record<string, string>>;
  place(url: string, env?: Readonly<Record<string, string>>): S3Location;
  stop(): Promise<void>;
  /** On the same port and folder as before. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** Running, with the buckets `duet` and `other`. */
export async function testS3(): Promise<TestS3> {
  const directory = await mkdtemp(join(tmpdir(), 'duet-s3-'));
  let port = 0;
  let server: S3rver | undefined;
  const start = async () => {
    const configureBuckets = [{ name: 'duet' }, { name: 'other' }];
    const options = { address: '127.0.0.1', silent: true, directory, vhostBuckets: false, configureBuckets };
    server = new S3rver({ ...options, port });
    ({ port } = await server.run());
  };
  const stop = async () => {
    const closed = server?.close();
    server?.httpServer.closeAllConnections();
    await closed;
    server = undefined;
  };
  await start();
  const endpoint = `http://127.0.0.1:${port}`;
  const env = { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: key };
  return {
    endpoint,
    env,
    place: (url, other = {}) => s3Location(url, { s3Endpoint: endpoint, s3Region: null }, { ...env, ...other }),
    start,
    stop,
    async remove() {
      await stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
