/** The web page, if it was built, at all of its addresses; otherwise how to build it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pathOf } from './request-path.ts';

/** Addresses within the page, which finds its way by them itself: links, reloads and bookmarks lead to them. */
const pagePaths = ['/chat', '/draw', '/describe', '/imagine', '/vary', '/inpaint'] as const;

/** Paths of programs, which want to read that there is nothing. */
const programPaths = /^\/(v1|sdapi|replicate|health|metrics|openapi\.json|docs|assets)(\/|$)/;

/** `folder` holds the built page: index.html and assets whose names change with their content. */
export async function servePage(app: FastifyInstance, folder: string): Promise<void> {
  if (!isBuilt(folder)) {
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

/** What somebody sees in a browser who follows a wrong link: the page, which shows where to go on; undefined for programs. */
export function pageFor(request: FastifyRequest, reply: FastifyReply, folder: string): FastifyReply | undefined {
  const { method, headers } = request;
  const isNavigation = (method === 'GET' || method === 'HEAD') && /\btext\/html\b/.test(headers.accept ?? '');
  if (!isNavigation || programPaths.test(pathOf(request)) || !isBuilt(folder)) return undefined;
  return reply.sendFile('index.html');
}

function isBuilt(folder: string): boolean {
  return existsSync(join(folder, 'index.html'));
}
