/** The lists that A1111's clients fill their menus from; what Duet has nothing of is an empty one. */
import { freemem, totalmem } from 'node:os';
import type { FastifyInstance } from 'fastify';
import { scheduleLabels } from '../../../src/image/index.ts';
import { namedSolvers } from '../compat/solver-names.ts';
import { upscalerNames } from './extras.ts';

const automatic = { name: 'automatic', label: 'Automatic', aliases: null, default_rho: -1, need_inner_model: false };

const schedulers = Object.entries(scheduleLabels).map(([name, label]) => ({ ...automatic, name, label }));

/** Answers that never change. */
const fixed: Readonly<Record<string, unknown>> = {
  samplers: namedSolvers.map(({ label, aliases }) => ({ name: label, aliases, options: {} })),
  schedulers: [automatic, ...schedulers],
  upscalers: upscalerNames.map(name => ({
    name,
    model_name: null,
    model_path: null,
    model_url: null,
    scale: name === 'None' ? 1 : 4,
  })),
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
  extensions: [],
  'cmd-flags': {},
};

/**
 * Orders that change nothing here, with A1111's answers: to look for new files, of which there are none, and to take the
 * model out of memory for a while, where it stays ready.
 */
const orders = {
  'refresh-checkpoints': null,
  'refresh-vae': null,
  'refresh-loras': null,
  'refresh-embeddings': null,
  'unload-checkpoint': {},
  'reload-checkpoint': {},
};

const tags = ['A1111'];

export async function listRoutes(app: FastifyInstance): Promise<void> {
  for (const [name, answer] of Object.entries(fixed)) {
    app.get(`/${name}`, { schema: { tags, summary: `List of ${name}` } }, async () => answer);
  }
  for (const [name, answer] of Object.entries(orders)) {
    app.post(`/${name}`, { schema: { tags, summary: 'Does nothing' } }, async (_request, reply) =>
      reply.type('application/json').send(JSON.stringify(answer)),
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
