/**
 * Bodies and queries as forgiving clients send them: unknown fields pass, null is absent, and fields of forms and addresses,
 * which are always text, become the numbers and booleans that the schema wants. What is known is checked strictly.
 */

import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { WireFault } from './wire-fault.ts';

type Field = { readonly type?: unknown };
type Fields = Readonly<Record<string, Field>>;

const numeric = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
/** As pydantic reads them, which A1111's and Replicate's servers use; JSON's 1 and 0 too. */
const yes: ReadonlySet<string> = new Set(['true', '1', 'on', 't', 'y', 'yes']);
const no: ReadonlySet<string> = new Set(['false', '0', 'off', 'f', 'n', 'no']);

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
    if (!validator.Check(value)) return { error: faultOf(validator, value) };
    const unwritable = Object.keys(fields).map(name => unwritableIn(at(value, `/${name}`), name));
    const error = unwritable.find(fault => fault !== undefined);
    return error ? { error } : { value };
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
  if (type === 'boolean' && (value === 0 || value === 1)) return value === 1;
  if (typeof value !== 'string' || (type !== 'number' && type !== 'integer' && type !== 'boolean')) return value;
  const text = value.trim();
  if (text === '' || text === 'null') return undefined;
  if (type === 'boolean') return yes.has(text.toLowerCase()) || (no.has(text.toLowerCase()) ? false : value);
  return numeric.test(text) ? Number(text) : value;
}

/** Texts anywhere in a field that cannot be kept: UTF-8 has no surrogates, and a NUL ends the texts in picture files. */
function unwritableIn(value: unknown, name: string): WireFault | undefined {
  if (typeof value === 'string') {
    const hasNul = value.includes('\0');
    if (!hasNul && value.isWellFormed()) return undefined;
    const what = hasNul ? 'a NUL character' : 'half of a surrogate pair';
    return new WireFault('invalid_value', name, `Invalid value for '${name}': it holds ${what}, which no text may.`);
  }
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const fault = unwritableIn(inner, Array.isArray(value) ? `${name}[${key}]` : `${name}.${key}`);
    if (fault) return fault;
  }
  return undefined;
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
  if (typeof value === 'number') return String(value); // JSON has no Infinity, which 1e999 becomes
  const text = JSON.stringify(value, (_, inner) => (inner instanceof Uint8Array ? 'a file' : inner)) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
