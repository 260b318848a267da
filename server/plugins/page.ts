/** The web page, if it was built, at all of its addresses; otherwise how to build it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/** Addresses within the page, which finds its way by them itself: links, reloads and bookmarks lead to them. */
const pagePaths = ['/draw', '/describe', '/imagine', '/vary', '/inpaint'] as const;

/** `folder` holds the built page: index.html and assets whose names change with their content. */
export async function servePage(app: FastifyInstance, folder: string): Promise<void> {
  if (!existsSync(join(folder, 'index.html'))) {
    app.get('/', { schema: { hide: true } }, async (_request, reply) =>
      reply
        .type('text/plain; charset=utf-8')
        .send('Duet is running. Its page is not built: run "npm run build". The API is described at /docs.\n'),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    immutable: true,
    maxAge: '1y',
    setHeaders: (reply, path) => {
      if (path.endsWith('.html')) reply.header('cache-control', 'no-cache');
    },
  });
  for (const path of pagePaths) {
    app.get(path, { schema: { hide: true } }, async (_request, reply) => reply.sendFile('index.html'));
  }
}
