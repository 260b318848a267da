/** POST /v1/captions/inspect: what the model will make of a caption's words, without running anything. */
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { DuetError } from '../../../src/core/errors.ts';
import { longestText } from '../../../src/pipelines/index.ts';
import type { CaptionInspection } from './wire.ts';

const Body = Type.Object({
  text: Type.String({ maxLength: longestText, description: 'the caption' }),
  model: Type.Optional(Type.String({ description: 'one of /v1/models; the default model if absent' })),
});

export async function captionInspectionRoutes(app: FastifyInstance): Promise<void> {
  app.post<{ Body: Static<typeof Body> }>(
    '/captions/inspect',
    {
      schema: {
        tags: ['Jobs'],
        summary: "What the model will make of a caption's words",
        description: 'Nothing is run. A server whose workers have the model knows no words, and finds none unknown.',
        body: Body,
      },
    },
    async ({ body: { text, model: id } }): Promise<CaptionInspection> => {
      const model = id === undefined ? app.models.list()[0] : app.models.get(id);
      if (!model) throw new DuetError('model-not-found', `There is no model ${JSON.stringify(id)}`);
      const { unknownWords, cut } = model.inspectCaption(text);
      return { unknown_words: unknownWords, caption_cut: cut };
    },
  );
}
