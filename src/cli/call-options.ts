/** The options of the models' calls as flags: names, ranges and help come from the table of calls. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { TSchema } from 'typebox';
import { unifyLineEnds } from '../core/text.ts';
import {
  type CallMode,
  type CallOptions,
  callOf,
  choicesOf,
  defaultOf,
  fits,
  limitsOf,
  optionsOfFamilies,
} from '../pipelines/index.ts';

/** Flags that are not simply the option's name in kebab-case. */
const flagNames: Readonly<Record<string, string>> = { n: '-n, --count', negativePrompt: '--negative' };
/** Of a single call at a time, which shows no previews. */
const withoutFlag: ReadonlySet<string> = new Set(['previewEvery', 'priority']);

/** Adds the flags of the call `mode` to its command. */
export function addCallOptions(command: Command, mode: CallMode): Command {
  for (const [name, schema] of Object.entries(callOf(mode).options)) {
    if (!withoutFlag.has(name)) command.addOption(flagOf(name, schema));
  }
  return command;
}

/** One of them, for commands that are no call. */
export function callOption(mode: CallMode, name: string): Option {
  return flagOf(name, callOf(mode).options[name]!);
}

/** The options among the parsed flags of a command, those that were given; the flags have checked them. */
export function callOptions(flags: object): CallOptions {
  const given = flags as Readonly<Record<string, unknown>>;
  const entries = Object.entries(optionsOfFamilies())
    .map(([name, schema]) => [name, given[flagOf(name, schema).attributeName()]] as const)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries);
}

function flagOf(name: string, schema: TSchema): Option {
  const { description = '', type } = schema as SchemaText;
  const standard = defaultOf(schema);
  const flag = flagNames[name] ?? `--${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
  const help = standard === undefined ? description : `${description} (default: ${standard})`;
  const choices = choicesOf(schema);
  if (choices.length > 0) return new Option(`${flag} <name>`, help).choices([...choices]);
  if (type === 'boolean') return new Option(flag, help);
  const value = type === 'string' ? '<text>' : '<number>';
  return new Option(`${flag} ${value}`, help).argParser(text => parse(text, schema));
}

interface SchemaText {
  readonly description?: string;
  readonly type?: string;
}

function parse(text: string, schema: TSchema): string | number {
  const value = (schema as SchemaText).type === 'string' ? unifyLineEnds(text) : numberOf(text);
  if (fits(schema, value)) return value;
  throw new InvalidArgumentError(`Expected ${limitsOf(schema)}.`);
}

function numberOf(text: string): number {
  return /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(text) ? Number(text) : Number.NaN;
}
