/**
 * Bodies as forgiving clients send them: unknown fields pass, null is absent, and fields of multipart forms, which are always
 * text, become the numbers and booleans that the schema wants. What is known is checked strictly.
 */

import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { WireFault } from './wire-fault.ts';

type Field = { readonly type?: unknown };
type Fields = Readonly<Record<string, Field>>;

const numeric = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const booleans: Readonly<Record<string, boolean>> = { true: true, false: false };

/** A Fastify validator compiler: the parsed body, or a `WireFault` that names the field. */
export function bodyValidator({
  schema,
}: {
  schema: TSchema;
}): (body: unknown) => { value: unknown } | { error: WireFault } {
  const validator = Compile(schema);
  const fields = (schema as { properties?: Fields }).properties ?? {};
  return body => {
    const value = readFields(body, fields);
    return validator.Check(value) ? { value } : { error: faultOf(validator, value) };
  };
}

function readFields(body: unknown, fields: Fields): unknown {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object' || Array.isArray(body)) return body;
  const read = Object.entries(body).flatMap(([name, value]) => {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const coerced = field ? coerce(value, field.type) : value;
    return coerced === null || coerced === undefined ? [] : [[name, coerced] as const];
  });
  return Object.fromEntries(read);
}

function coerce(value: unknown, type: unknown): unknown {
  if (typeof value !== 'string' || (type !== 'number' && type !== 'integer' && type !== 'boolean')) return value;
  const text = value.trim();
  if (text === '' || text === 'null') return undefined;
  if (type === 'boolean') return booleans[text.toLowerCase()] ?? value;
  return numeric.test(text) ? Number(text) : value;
}

function faultOf(validator: Validator, value: unknown): WireFault {
  const errors = validator.Errors(value);
  // Of a union the members' errors come first; only the union's own says something.
  const error = errors.find(({ keyword }) => keyword === 'anyOf') ?? errors[0]!;
  const path = error.instancePath;
  if (error.keyword === 'required') {
    const missing = nameOf(
      `${path}/${(error.params as { requiredProperties: readonly string[] }).requiredProperties[0]}`,
    );
    return new WireFault('missing_required_parameter', missing, `Missing required parameter: '${missing}'.`);
  }
  if (path === '')
    return new WireFault('invalid_value', null, `The body must be an object of fields; it ${error.message}.`);
  const name = nameOf(path);
  const message = `Invalid value for '${name}': it ${wishOf(error)}, got ${shown(at(value, path))}.`;
  return new WireFault('invalid_value', name, message);
}

function wishOf(error: TLocalizedValidationError): string {
  if (error.keyword !== 'enum') return error.message;
  const { allowedValues } = error.params as { allowedValues: readonly unknown[] };
  return `must be one of ${allowedValues.map(value => JSON.stringify(value)).join(', ')}`;
}

/** `/messages/0/content` as clients write it: `messages[0].content`. */
function nameOf(path: string): string {
  return path
    .slice(1)
    .replace(/\/(\d+)(?=\/|$)/g, '[$1]')
    .replaceAll('/', '.');
}

function at(value: unknown, path: string): unknown {
  const steps = path.slice(1).split('/');
  return steps.reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], value);
}

/** A value as a message may show it: short, and never the bytes of a picture. */
function shown(value: unknown): string {
  if (value instanceof Uint8Array) return 'a file';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
