/** A server on a free loopback port for tests with real clients. */
import type { FastifyInstance } from 'fastify';
import sharp from 'sharp';
import { buildApp } from '../../server/app.ts';
import { type ServerConfig, serverConfig } from '../../server/config.ts';
import type { LoadedModel } from '../../server/types.ts';

export interface RunningServer {
  readonly app: FastifyInstance;
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  close(): Promise<void>;
}

export async function serve(model: LoadedModel, config: Partial<ServerConfig> = {}): Promise<RunningServer> {
  const app = await buildApp({
    config: serverConfig({ data: null, maxEventLoopDelay: 0, ...config }),
    models: [model],
  });
  const origin = await app.listen({ host: '127.0.0.1', port: 0 });
  return { app, origin, close: () => app.close() };
}

/** A picture of one colour as a PNG file; if `open`, its right half is transparent. */
export async function png(side: number, colour: string, open = false): Promise<Buffer> {
  const image = sharp({ create: { width: side, height: side, channels: 4, background: colour } });
  if (!open) return image.png().toBuffer();
  const hole = { create: { width: side / 2, height: side, channels: 4 as const, background: 'black' } };
  return image
    .composite([{ input: hole, left: side / 2, top: 0, blend: 'dest-out' }])
    .png()
    .toBuffer();
}
