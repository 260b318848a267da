/** Paths in configurations, which are relative to the working folder when they are written by hand. */
import { resolve } from 'node:path';
import { findModel } from '../pipelines/find-model.ts';

/**
 * `config` with absolute paths: a run's config.json and its checkpoints then mean the same wherever they are used from.
 * Names of embedded models stay names.
 */
export async function absolutePaths<C extends object>(config: C): Promise<C> {
  const { data, parts, from } = config as { data?: unknown; parts?: unknown; from?: unknown };
  return {
    ...config,
    ...(isRecord(data) && typeof data['path'] === 'string' && { data: { ...data, path: resolve(data['path']) } }),
    ...(isRecord(parts) && {
      parts: Object.fromEntries(Object.entries(parts).map(([name, at]) => [name, absolute(at)])),
    }),
    ...(typeof from === 'string' && { from: await absoluteModel(from) }),
  };
}

function absolute(path: unknown): unknown {
  return typeof path === 'string' ? resolve(path) : path;
}

/** A model that is not there is left as it is: who loads it says what is wrong. */
async function absoluteModel(from: string): Promise<string> {
  const found = await findModel(from).catch(() => undefined);
  return found === from ? resolve(from) : from;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
