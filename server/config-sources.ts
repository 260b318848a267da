/** Where configuration comes from: flag before environment before duet.config.json before default; each value knows which. */
import { resolve } from 'node:path';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../src/core/errors.ts';
import { nearestName } from '../src/core/nearest-name.ts';
import { readTextFile } from '../src/core/text.ts';
import { type ServerConfig, serverConfigSchema } from './config.ts';

export type Origin = 'flag' | 'environment' | 'file' | 'default';
export type ConfigKey = keyof ServerConfig;

export interface ResolvedConfig {
  readonly config: ServerConfig;
  readonly origins: Readonly<Record<ConfigKey, Origin>>;
  /** The file that was read, if any. */
  readonly file: string | undefined;
  /** DUET_ variables that nothing reads. */
  readonly unknownVariables: readonly string[];
}

export interface ConfigSources {
  /** By key, as text or as the flag's own type. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file that must exist. @default duet.config.json in the working folder, if there is one */
  readonly file?: string;
}

export const configKeys = Object.keys(serverConfigSchema.properties) as ConfigKey[];
const defaultFile = 'duet.config.json';
/** Variables of Duet that are no part of the server's configuration. */
const otherVariables: ReadonlySet<string> = new Set([
  'DUET_CACHE',
  'DUET_CONFIG',
  'DUET_DEBUG',
  'DUET_DEBUG_FOLDER',
  'DUET_HOME',
]);

/** @throws DuetError 'invalid-config' naming where a wrong value comes from */
export async function resolveConfig({ flags, env, file }: ConfigSources): Promise<ResolvedConfig> {
  const path = file ?? env['DUET_CONFIG'];
  const fromFile = await readConfigFile(path ?? defaultFile, path !== undefined);
  const values: Partial<Record<ConfigKey, unknown>> = {};
  const origins: Partial<Record<ConfigKey, Origin>> = {};
  for (const key of configKeys) {
    const variable = env[variableOf(key)];
    const sources: readonly (readonly [Origin, unknown, string])[] = [
      ['flag', flags[key], `--${flagOf(key)}`],
      ['environment', variable === '' ? undefined : variable, variableOf(key)],
      ['file', fromFile?.[key], `${key} in ${path ?? defaultFile}`],
    ];
    const [origin, given, place] = sources.find(([, value]) => value !== undefined) ?? ['default', undefined, key];
    origins[key] = origin;
    values[key] = given === undefined ? defaultOf(key) : readValue(key, given, place);
  }
  return {
    config: values as ServerConfig,
    origins: origins as Record<ConfigKey, Origin>,
    file: fromFile ? resolve(path ?? defaultFile) : undefined,
    unknownVariables: unknownVariables(env),
  };
}

/** `maxQueue` as a flag: `max-queue`. */
export function flagOf(key: ConfigKey): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** `maxQueue` in the environment: `DUET_MAX_QUEUE`. */
export function variableOf(key: ConfigKey): string {
  return `DUET_${flagOf(key).replaceAll('-', '_').toUpperCase()}`;
}

function defaultOf(key: ConfigKey): unknown {
  return Value.Create(serverConfigSchema.properties[key]);
}

function readValue(key: ConfigKey, given: unknown, place: string): unknown {
  const schema: TSchema = serverConfigSchema.properties[key];
  const value = typeof given === 'string' ? readText(schema, given) : given;
  if (Value.Check(schema, value)) return value;
  const isSecret = key === 'apiKeys' || key === 's3Endpoint'; // an address may hold a password, which is its fault
  const shown = isSecret ? 'something else' : JSON.stringify(given);
  throw new DuetError('invalid-config', `${place} must be ${wishOf(schema)}, got ${shown}`);
}

interface SchemaShape {
  readonly type?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly { readonly type?: string; readonly pattern?: string }[];
}

/** Flags and the environment know only text: numbers, true/false, lists separated by commas or line breaks and "none". */
function readText(schema: SchemaShape, text: string): unknown {
  const { type, anyOf } = schema;
  if (type === 'integer') return /^[+-]?\d+$/.test(text.trim()) ? Number(text) : text;
  if (type === 'boolean') return { true: true, 1: true, false: false, 0: false }[text.trim().toLowerCase()] ?? text;
  if (type === 'array') return text.split(/[,\r\n]/).flatMap(part => part.trim() || []);
  if (text === 'none' && anyOf?.some(option => option.type === 'null')) return null;
  return text;
}

function wishOf({ type, minimum, maximum, enum: choices, anyOf }: SchemaShape): string {
  if (choices) return choices.map(choice => JSON.stringify(choice)).join(' or ');
  if (anyOf) return anyOf.map(({ type: kind, pattern }) => (pattern ? `a text like ${pattern}` : kind)).join(' or ');
  if (type === 'integer') return `a whole number from ${minimum} to ${maximum}`;
  if (type === 'array') return 'a list of texts';
  return type === 'boolean' ? 'true or false' : 'a text';
}

async function readConfigFile(path: string, mustExist: boolean): Promise<Record<string, unknown> | undefined> {
  const text = await readTextFile(path, 'invalid-config').catch((error: NodeJS.ErrnoException) => {
    if (DuetError.isInstance(error)) throw error;
    if (error.code === 'ENOENT' && !mustExist) return undefined;
    throw new DuetError('invalid-config', `The configuration ${path} cannot be read: ${error.message}`, {
      cause: error,
    });
  });
  if (text === undefined) return undefined;
  const values = parseObject(text, path);
  for (const key of Object.keys(values)) {
    if (key === '$schema' || configKeys.some(known => known === key)) continue;
    throw new DuetError('invalid-config', `${path} has the unknown key ${JSON.stringify(key)}${hint(key)}`);
  }
  return values;
}

function parseObject(text: string, path: string): Record<string, unknown> {
  try {
    const values: unknown = JSON.parse(text);
    if (typeof values === 'object' && values !== null && !Array.isArray(values)) {
      return values as Record<string, unknown>;
    }
  } catch (error) {
    throw new DuetError('invalid-config', `${path} is not JSON: ${String(error)}`, { cause: error });
  }
  throw new DuetError('invalid-config', `${path} must hold one JSON object`);
}

function hint(key: string): string {
  const nearest = nearestName(key, configKeys);
  return nearest === undefined ? `; known are ${configKeys.join(', ')}` : `; did you mean ${JSON.stringify(nearest)}?`;
}

function unknownVariables(env: ConfigSources['env']): string[] {
  const known = new Set(configKeys.map(variableOf));
  return Object.keys(env).filter(name => name.startsWith('DUET_') && !known.has(name) && !otherVariables.has(name));
}
