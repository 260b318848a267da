/** GET /models and /models/ID; ids may contain slashes. */
import type { FastifyInstance } from 'fastify';
import { choicesOf } from '../../../src/pipelines/index.ts';
import type { ModelInfo } from '../../types.ts';
import { modelOf } from './image-request.ts';

const tags = ['OpenAI'];

export async function modelRoutes(app: FastifyInstance): Promise<void> {
  app.get('/models', { schema: { tags, summary: 'The models served' } }, async () => ({
    object: 'list',
    data: app.models.list().map(describe),
  }));

  app.get<{ Params: { '*': string } }>('/models/*', { schema: { tags, summary: 'One model' } }, async request =>
    describe(modelOf(request, request.params['*'] || '(none)')),
  );
}

/** OpenAI's four fields, and what the model can do. */
function describe({ id, created, imageSize, calls, options, defaults }: ModelInfo): unknown {
  const size = imageSize === undefined ? null : `${imageSize}x${imageSize}`;
  const guidance = Object.fromEntries(Object.entries(defaults).map(([mode, own]) => [mode, own.guidance]));
  const extras = {
    modes: Object.keys(calls),
    solvers: choicesOf(options['solver']),
    native_size: size,
    defaults: { num_inference_steps: Object.values(defaults)[0]?.steps, guidance_scale: guidance },
  };
  return { id, object: 'model', created, owned_by: 'local', ...extras };
}
