/**
 * The options of the served models as fields of a body: every family of routes has all of them, under its own names where
 * it has other ones. Nothing here knows any option but `seed`, of which -1 is a random one on the wire.
 */
import Type, { type TSchema } from 'typebox';
import { type Limits, limitsOf, type OptionSchemas } from '../../src/pipelines/index.ts';
import type { JobOptions } from '../jobs/types.ts';
import type { ModelInfo } from '../types.ts';
import { snakeCase } from './snake-case.ts';

/**
 * Names of options that are not simply their own in snake_case: the first that a body holds counts, and none means that
 * the family has another way to say it.
 */
export type OptionNames = Readonly<Record<string, readonly string[]>>;

/** All options that some model has in some of `modes`; of all modes by default. */
export function servedOptions(models: readonly ModelInfo[], modes?: readonly string[]): OptionSchemas {
  const entries = models.flatMap(({ calls, options }) =>
    Object.entries(calls)
      .filter(([mode]) => modes === undefined || modes.includes(mode))
      .flatMap(([, call]) => call.options.map(name => [name, options[name]!] as const)),
  );
  return Object.fromEntries(entries);
}

/**
 * The fields of `options` in a body's schema; all may be absent.
 * @param texts descriptions of options that mean more here, or have another default, which they then say
 */
export function optionFields(
  options: OptionSchemas,
  names: OptionNames = {},
  texts: Readonly<Record<string, string>> = {},
): Record<string, TSchema> {
  const entries = Object.entries(options).flatMap(([option, schema]) => {
    const [first, ...others] = namesOf(option, names);
    if (first === undefined) return [];
    const field = fieldOf(option, schema, texts[option]);
    const aliases = others.map(name => [name, { ...field, description: `Alias of ${first}` }] as const);
    return [[first, field] as const, ...aliases];
  });
  return Object.fromEntries(entries.map(([name, schema]) => [name, Type.Optional(schema)]));
}

/** The options that a checked body has, under their own names; of these only the ones in `options`. */
export function readOptions(
  body: Readonly<Record<string, unknown>>,
  options: OptionSchemas,
  names: OptionNames = {},
): JobOptions {
  const entries = Object.keys(options).flatMap(option => {
    const name = namesOf(option, names).find(field => body[field] !== undefined);
    const value = name === undefined ? undefined : body[name];
    return value === undefined || value === '' || (option === 'seed' && value === -1) ? [] : [[option, value] as const];
  });
  return Object.fromEntries(entries);
}

/** The field of a body that an option or input was taken from, for errors. */
export function fieldName(option: string, names: OptionNames, body: unknown): string {
  const own = namesOf(option, names);
  const given = typeof body === 'object' && body !== null ? own.find(name => Object.hasOwn(body, name)) : undefined;
  return given ?? own[0] ?? snakeCase(option);
}

export function namesOf(option: string, names: OptionNames): readonly string[] {
  return Object.hasOwn(names, option) ? names[option]! : [snakeCase(option)];
}

function fieldOf(option: string, schema: TSchema, own: string | undefined): TSchema {
  const { default: _default, ...limits } = schema as TSchema & { readonly default?: unknown };
  if (own !== undefined) return { ...limits, description: own };
  const { description = '' } = schema as { readonly description?: string };
  const text = description === '' ? limitsOf(schema) : `${description[0]!.toUpperCase()}${description.slice(1)}`;
  if (option !== 'seed') return { ...schema, description: text };
  const { maximum } = schema as Limits;
  return { ...schema, minimum: -1, ...(maximum !== undefined && { maximum }), description: `${text}; -1 is random` };
}
