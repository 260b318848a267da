/**
 * The calls of a family of models, as one table, and one schema for each option. The library's own checks,
 * the command line, every family of HTTP routes with its documentation, and the page's form derive from it.
 */
import type { Static, TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';
import { nearestName } from '../core/nearest-name.ts';

/** What a caller gives to a call beside its options. */
export type InputName = 'prompt' | 'prompt2' | 'image' | 'image2' | 'mask' | 'messages';

/** Most characters of a text that is given; models read far fewer. */
export const longestText = 10_000;

/** Options by their camelCase names: type, limits, default (where it is not the model's) and description. */
export type OptionSchemas = Readonly<Record<string, TSchema>>;

/** The values that `S` allows; all may be absent. */
export type OptionValues<S extends OptionSchemas> = { readonly [K in keyof S]?: Static<S[K]> };

/** One call: a row of a family's table. */
export interface CallSpec<O extends string = string> {
  /** What it makes, as a heading: "Variation". */
  readonly title: string;
  /** What it does, as the name of a button: "Vary". */
  readonly verb: string;
  /** What it does, as a phrase that begins with a verb. */
  readonly summary: string;
  /** Groups of inputs; at least one input of each must be given. */
  readonly needs: readonly (readonly InputName[])[];
  /** All inputs that it reads. */
  readonly takes: readonly InputName[];
  /** What it is for; beside images there may be captions that were found on the way. An answer is words with any number of pictures. */
  readonly makes: 'images' | 'captions' | 'pairs' | 'answer';
  /** Options that only work with a certain input. */
  readonly optionNeeds?: Readonly<Partial<Record<O, InputName>>>;
  /** Names of its options. */
  readonly options: readonly O[];
  /** Those that nothing in it acts on: it takes them as all calls do, and forms leave them out. */
  readonly withoutEffect?: readonly O[];
}

export type CallTable = Readonly<Record<string, CallSpec>>;

/** The options of one call. */
export function optionsOf(options: OptionSchemas, call: CallSpec): OptionSchemas {
  return Object.fromEntries(call.options.map(name => [name, options[name]!]));
}

/**
 * Throws DuetError 'invalid-argument' for the first value that is unknown or beyond its limits; the error's `field` is the
 * option's name.
 * @param call the mode, for messages
 */
export function checkOptions(values: Readonly<Record<string, unknown>>, schemas: OptionSchemas, call: string): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue;
    const schema = Object.hasOwn(schemas, name) ? schemas[name] : undefined;
    if (!schema) throw unknownOption(name, Object.keys(schemas), call);
    if (!fits(schema, value)) {
      throw new DuetError('invalid-argument', `${name} ${faultOf(schema, value)}`, { field: name });
    }
  }
}

/**
 * Throws DuetError 'invalid-argument' unless all is there that `spec` needs, and texts are within their limit; the error's
 * `field` is the input's name.
 */
export function checkInputs(inputs: Readonly<Partial<Record<InputName, unknown>>>, spec: CallSpec, call: string): void {
  for (const name of ['prompt', 'prompt2'] as const) {
    const text = inputs[name];
    if (typeof text === 'string') checkText(text, name);
  }
  const missing = spec.needs.filter(group => !group.some(name => isGiven(inputs[name])));
  if (missing.length === 0) return;
  const wanted = missing.map(group => group.join(' or ')).join(', and ');
  throw new DuetError('invalid-argument', `the mode ${call} needs ${wanted}`, { field: missing[0]![0]! });
}

/** Throws DuetError 'invalid-argument' if `text` is too long for any input. */
export function checkText(text: string, name: InputName): void {
  if (text.length <= longestText) return;
  throw new DuetError('invalid-argument', `${name} has ${text.length} characters, at most ${longestText} are allowed`, {
    field: name,
  });
}

/**
 * Throws DuetError 'invalid-argument' unless `mode` is one of `calls` and can be run with these inputs and options.
 * @returns its row
 */
export function checkCall(
  { calls, options }: { readonly calls: CallTable; readonly options: OptionSchemas },
  mode: string,
  inputs: Readonly<Partial<Record<InputName, unknown>>>,
  values: Readonly<Record<string, unknown>>,
): CallSpec {
  const spec = Object.hasOwn(calls, mode) ? calls[mode] : undefined;
  if (!spec) {
    const modes = Object.keys(calls).join(', ');
    throw new DuetError('invalid-argument', `mode must be one of ${modes}, got ${JSON.stringify(mode)}`, {
      field: 'mode',
    });
  }
  checkInputs(inputs, spec, mode);
  checkOptions(values, optionsOf(options, spec), mode);
  for (const [option, input] of Object.entries(spec.optionNeeds ?? {})) {
    if (values[option] === undefined || inputs[input as InputName] !== undefined) continue;
    throw new DuetError('invalid-argument', `${option} needs ${input} in the mode ${mode}`, { field: option });
  }
  return spec;
}

/** Whether `schema` allows `value`. */
export function fits(schema: TSchema, value: unknown): boolean {
  return Value.Check(schema, value);
}

/** What `schema` allows, such as "a whole number from 1 to 1000". */
export function limitsOf(schema: TSchema): string {
  const {
    type,
    minimum,
    maximum,
    exclusiveMinimum,
    multipleOf,
    maxLength,
    maxItems,
    items,
    enum: choices,
  } = schema as Limits;
  if (choices) return `one of ${choices.join(', ')}`;
  if (type === 'boolean') return 'true or false';
  if (type === 'string') return maxLength === undefined ? 'text' : `text of at most ${maxLength} characters`;
  if (type === 'array') return `a list of at most ${maxItems} texts of 1 to ${items?.maxLength} characters`;
  const kind = type === 'integer' ? 'a whole number' : 'a number';
  if (exclusiveMinimum !== undefined) return `${kind} above ${exclusiveMinimum} and up to ${maximum}`;
  if (minimum === undefined && maximum === undefined) return kind;
  const range = `${minimum === undefined ? '' : `from ${minimum} `}${maximum === undefined ? 'on' : `to ${maximum}`}`;
  return `${kind} ${range}${multipleOf === undefined ? '' : ` that is a multiple of ${multipleOf}`}`;
}

/** What documentation says of the value where none is given; undefined where there is none. */
export function defaultOf(schema: TSchema): unknown {
  const { default: standard, 'x-default': told } = schema as TSchema & { default?: unknown; 'x-default'?: string };
  return standard ?? told;
}

/** The values of a choice; none for other schemas. */
export function choicesOf(schema: TSchema | undefined): readonly string[] {
  return (schema as Limits | undefined)?.enum ?? [];
}

/** The keywords of a schema that limit its values. */
export interface Limits {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Only beside a maximum. */
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
  readonly maxLength?: number;
  /** Of a list of texts. */
  readonly maxItems?: number;
  readonly items?: { readonly maxLength?: number };
  readonly enum?: readonly string[];
  readonly default?: unknown;
}

function faultOf(schema: TSchema, value: unknown): string {
  const { maxLength } = schema as Limits;
  if (typeof value === 'string' && maxLength !== undefined && value.length > maxLength) {
    return `has ${value.length} characters, at most ${maxLength} are allowed`;
  }
  return `must be ${limitsOf(schema)}, got ${typeof value === 'number' ? value : JSON.stringify(value)}`;
}

function unknownOption(name: string, known: readonly string[], call: string): DuetError {
  const nearest = nearestName(name, known);
  const hint = nearest ? `; did you mean ${nearest}?` : `; its options are ${known.join(', ')}`;
  return new DuetError('invalid-argument', `the mode ${call} has no option ${name}${hint}`, { field: name });
}

function isGiven(value: unknown): boolean {
  return typeof value === 'string' ? value.trim() !== '' : value !== undefined;
}
