/** The weights of a folder as Hugging Face's libraries write it: one .safetensors file, or several with an index. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../core/errors.ts';
import type { HostTensor, TensorSource } from '../core/host-tensor.ts';
import { readJsonFile } from '../core/json-file.ts';
import { listSome } from '../core/list-some.ts';
import { flattenTree, type Tree } from '../core/tree.ts';
import { type Filled, fillParams, isParamSpec, type ParamSpec } from '../nn/params.ts';
import { type StoredCheckpoint, storedCheckpoint } from './checkpoint.ts';
import { type ConversionOptions, planConversion } from './convert.ts';
import type { NameRule } from './names/name-map.ts';
import { type OpenWeightFile, openSafetensors } from './safetensors.ts';

const indexFile = 'model.safetensors.index.json';

type Tensors = Readonly<Record<string, TensorSource>>;

/** File names are one of the folder's own: an index that comes from outside must not name others. */
const indexSchema = Type.Object({
  weight_map: Type.Record(Type.String(), Type.String({ pattern: '^[\\w][\\w.-]*\\.safetensors$' })),
});

export interface HuggingFaceWeights {
  /** All tensors by their names, where they lie: floats of 16 and 32 bits are not read. */
  readonly tensors: Tensors;
  /** All that the files hold, for what is to be converted. */
  readonly checkpoint: StoredCheckpoint;
}

/** @throws DuetError 'invalid-weights' if the folder has none, or if index and files do not fit together */
export async function openHuggingFaceWeights(folder: string): Promise<HuggingFaceWeights> {
  const index = join(folder, indexFile);
  if (await exists(index)) return openSharded(folder, index);
  const files = await huggingFaceWeightFiles(folder);
  const { header, tensors } = await openSafetensors(files[0]!);
  return { tensors, checkpoint: storedCheckpoint(files, [header]) };
}

/**
 * The paths of the folder's .safetensors files.
 * @throws DuetError 'invalid-weights' if it has none
 */
export async function huggingFaceWeightFiles(folder: string): Promise<string[]> {
  const index = join(folder, indexFile);
  if (await exists(index)) {
    const map = weightMap(await readJsonFile(index, 'invalid-weights'), index);
    return [...new Set(Object.values(map))].map(file => join(folder, file));
  }
  const single = join(folder, 'model.safetensors');
  if (await exists(single)) return [single];
  throw new DuetError(
    'invalid-weights',
    `${folder} has neither model.safetensors nor model.safetensors.index.json. Other formats of weights are not read here; convert them with save_pretrained(folder, safe_serialization=True).`,
  );
}

async function openSharded(folder: string, index: string): Promise<HuggingFaceWeights> {
  const map = weightMap(await readJsonFile(index, 'invalid-weights'), index);
  const files = [...new Set(Object.values(map))];
  const opened = new Map<string, OpenWeightFile>();
  for (const file of files) opened.set(file, await openSafetensors(join(folder, file)));
  const missing = Object.entries(map).filter(([name, file]) => !Object.hasOwn(opened.get(file)!.tensors, name));
  if (missing.length > 0) {
    const list = listSome(missing.map(([name, file]) => `${name} in ${file}`));
    throw new DuetError('invalid-weights', `${index} names ${missing.length} tensors that are not there: ${list}`);
  }
  const tensors = Object.entries(map).map(([name, file]) => [name, opened.get(file)!.tensors[name]!] as const);
  const headers = Array.from(opened.values(), ({ header }) => header);
  const paths = files.map(file => join(folder, file));
  return { tensors: Object.fromEntries(tensors), checkpoint: storedCheckpoint(paths, headers) };
}

function weightMap(json: unknown, index: string): Readonly<Record<string, string>> {
  if (Value.Check(indexSchema, json)) return json.weight_map;
  const [first] = Value.Errors(indexSchema, json);
  throw new DuetError(
    'invalid-weights',
    `${index}: ${first?.instancePath || 'the whole file'} ${first?.message ?? 'is not valid'}; weight_map must give the .safetensors file of the folder that each tensor is in`,
  );
}

/**
 * Our parameters among tensors that are ours as they are; they stay where they lie.
 * @param rules without transforms; those of more parameters than `spec` has do no harm
 * @throws DuetError 'invalid-weights' that lists by their names what is missing, misshaped or left over
 */
export function paramsInPlace<S extends Tree<ParamSpec>>(
  spec: S,
  rules: readonly NameRule[],
  tensors: Tensors,
  origin: string,
  options: ConversionOptions = {},
): Filled<S, TensorSource> {
  const shapes = new Map(Object.entries(tensors).map(([name, { shape }]) => [name, shape]));
  const read = (): Promise<HostTensor> => Promise.reject(new Error('Nothing is read'));
  planConversion(spec, rules, { name: origin, shapes, read }, options);
  const names = flattenTree(spec, isParamSpec);
  const used = rules.filter(rule => Object.hasOwn(names, rule.ours));
  const ours = used.map(rule => [rule.ours, tensors[`${rule.theirs}`]!] as const);
  return fillParams(spec, Object.fromEntries(ours), origin);
}

async function exists(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}
