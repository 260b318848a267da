/** POST /responses: answers of models that converse in the form of OpenAI's newer API, words and pictures as items. */
import type { FastifyInstance } from 'fastify';
import { type ResponseBody, responseBody, responseNames } from '../../../schemas/responses.ts';
import { answerErrors } from '../../compat/answer-errors.ts';
import { tellIgnored } from '../../compat/ignored-fields.ts';
import { toOpenaiError } from '../errors.ts';
import { modelOf } from '../image-request.ts';
import { answerResponse } from './answer.ts';
import { ignoredTools, responseJob } from './request.ts';

export async function responseRoutes(app: FastifyInstance): Promise<void> {
  answerErrors(app, toOpenaiError, { names: responseNames });
  app.post<{ Body: ResponseBody }>(
    '/responses',
    {
      sse: 'manual',
      schema: {
        tags: ['OpenAI'],
        summary: 'Answers in a conversation, as items',
        description:
          'Nothing is kept: every request brings its whole conversation. The answer draws only where tools name image_generation.',
        body: responseBody(app.models.list()),
      },
    },
    async (request, reply) => {
      const { body } = request;
      const model = modelOf(request, body.model);
      tellIgnored(reply, ignoredTools(body));
      const asked = await responseJob(body, model, request);
      return answerResponse(request, reply, { body, model, ...asked });
    },
  );
}
