/** Errors of a family of routes, also those of Fastify itself, answered in the family's shape. */
import type { FastifyInstance } from 'fastify';
import { type FieldOf, logFault } from '../../errors.ts';
import { fieldName, type OptionNames } from '../../schemas/option-fields.ts';

interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

type ToAnswer = (error: unknown, fieldOf: FieldOf) => ErrorAnswer;

interface FieldNames {
  /** What the family calls options and inputs, so that errors name the field that was sent. */
  readonly names?: OptionNames;
  /** The field of the body that holds them. @default the body itself */
  readonly within?: string;
}

export function answerErrors(app: FastifyInstance, toAnswer: ToAnswer, { names = {}, within }: FieldNames = {}): void {
  const fieldOf = (body: unknown) => (name: string) =>
    within === undefined
      ? fieldName(name, names, body)
      : `${within}.${fieldName(name, names, (body as Record<string, unknown> | undefined)?.[within])}`;
  app.setErrorHandler(async (error, request, reply) => {
    const { status, headers, body } = toAnswer(error, fieldOf(request.body));
    logFault(request.log, error, status);
    return reply.code(status).headers(headers).send(body);
  });
}
