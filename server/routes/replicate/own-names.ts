/** Replicate's models have many names for one thing; what Duet's fields are called elsewhere is read as those fields. */
import type { FastifyRequest } from 'fastify';
import { predictionInput } from '../../schemas/replicate.ts';
import type { ModelInfo } from '../../types.ts';
import { nativeField } from '../compat/foreign-names.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A `preValidation` hook: the input under the names that the schema knows. */
export function readOwnNames(models: readonly ModelInfo[]): (request: FastifyRequest) => Promise<void> {
  const known = new Set(Object.keys(predictionInput(models).properties));
  return async request => {
    const { body } = request;
    if (isFields(body) && isFields(body.input)) request.body = { ...body, input: withOwnNames(body.input, known) };
  };
}

/** A field that is there under its own name too stays as it is, to be told as ignored. */
function withOwnNames(input: Fields, known: ReadonlySet<string>): Fields {
  const entries = Object.entries(input).map(([name, value]) => {
    const field = known.has(name) ? undefined : nativeField(name);
    const own = field === 'solver' ? 'scheduler' : field;
    return [own === undefined || Object.hasOwn(input, own) ? name : own, value] as const;
  });
  return Object.fromEntries(entries);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
