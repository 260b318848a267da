/** The lists that A1111's clients fill their menus from; what Duet has nothing of is an empty one. */
import { freemem, totalmem } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { namedSolvers } from '../compat/solver-names.ts';

const automatic = { name: 'automatic', label: 'Automatic', aliases: null, default_rho: -1, need_inner_model: false };
const noUpscaler = { name: 'None', model_name: null, model_path: null, model_url: null, scale: 1 };

/** Answers that never change. */
const fixed: Readonly<Record<string, unknown>> = {
  samplers: namedSolvers.map(({ label, aliases }) => ({ name: label, aliases, options: {} })),
  schedulers: [automatic],
  upscalers: [noUpscaler],
  'latent-upscale-modes': [{ name: 'None' }],
  'sd-vae': [],
  'sd-modules': [],
  loras: [],
  hypernetworks: [],
  'face-restorers': [],
  'realesrgan-models': [],
  'prompt-styles': [],
  embeddings: { loaded: {}, skipped: {} },
  scripts: { txt2img: [], img2img: [] },
  'script-info': [],
  'cmd-flags': {},
};

/** Orders to look for new files, of which there are none. */
const orders = ['refresh-checkpoints', 'refresh-vae', 'refresh-loras', 'refresh-embeddings'];

const tags = ['A1111'];

export async function listRoutes(app: FastifyInstance): Promise<void> {
  for (const [name, answer] of Object.entries(fixed)) {
    app.get(`/${name}`, { schema: { tags, summary: `List of ${name}` } }, async () => answer);
  }
  for (const name of orders) {
    app.post(`/${name}`, { schema: { tags, summary: 'Does nothing' } }, async (_request, reply) =>
      reply.type('application/json').send('null'),
    );
  }
  app.get('/sd-models', { schema: { tags, summary: 'The models served' } }, async () =>
    app.models.list().map(({ id }) => ({
      title: id,
      model_name: id,
      hash: null,
      sha256: null,
      filename: id,
      config: null,
    })),
  );
  app.get('/memory', { schema: { tags, summary: 'Memory of the machine in bytes' } }, async () => {
    const [free, total] = [freemem(), totalmem()];
    return { ram: { free, used: total - free, total }, cuda: {} };
  });
}
