/** What a user loads: the table of families, and models from their folders. */
import { DuetError } from '../core/errors.ts';
import { type CallSpec, type OptionSchemas, optionsOf } from './call-table.ts';
import type { Family, LoadOptions } from './family.ts';
import { findModel, openModel } from './find-model.ts';
import type { ModelDescription } from './pipeline.ts';
import { type CallMode, type UniDiffuser, unidiffuser } from './unidiffuser/index.ts';

/** All families, under the names that a config.json has as its `family`. */
export const families: { readonly [F in FamilyName]: Family<Models[F]> } = { unidiffuser };

/** The class of each family's models. */
interface Models {
  readonly unidiffuser: UniDiffuser;
}

export type FamilyName = keyof Models;

/** A loaded model of the family `F`, or of any family; `model.family` discriminates between them. */
export type ModelOf<F extends FamilyName = FamilyName> = Models[F];

/**
 * Loads an embedded model by name or a model folder by path.
 * @throws DuetError 'model-not-found' listing the embedded models | 'invalid-config'
 * @example
 * const model = await Duet.load('emoji');
 */
export async function load(model = 'emoji', options: LoadOptions = {}): Promise<ModelOf> {
  const { family, folder, file } = await openModel(model);
  return families[requireFamily(family, file)].load(folder, options);
}

/**
 * Loads a model that must be of one family: the result has that family's own class.
 * @throws DuetError as `load`, and 'invalid-config' if the model is of another family
 * @example
 * const model = await Duet.loadAs('unidiffuser', 'emoji');
 */
export async function loadAs<F extends FamilyName>(
  family: F,
  model: string,
  options: LoadOptions = {},
): Promise<ModelOf<F>> {
  const found = await openModel(model);
  if (found.family === family) return families[family].load(found.folder, options);
  throw new DuetError(
    'invalid-config',
    `${found.file}: the model is of the family ${JSON.stringify(found.family)}, not ${family}; load takes any family`,
  );
}

/**
 * What a model can do, without loading it.
 * @throws DuetError 'model-not-found' | 'invalid-config'
 */
export async function describeModel(
  model: string,
): Promise<{ readonly description: ModelDescription; readonly folder: string; readonly created: number }> {
  const { family, folder, file, config, created } = await openModel(model);
  return { description: families[requireFamily(family, file)].describe(config, file), folder, created };
}

/** Copies a model folder in half precision, under a new `name` if one is given. Gives the bytes of its weights. */
export async function packModel(from: string, to: string, name?: string): Promise<number> {
  const { family, file } = await openModel(from);
  return families[requireFamily(family, file)].pack(from, to, name);
}

/** Every option of every family. */
export function optionsOfFamilies(): OptionSchemas {
  return Object.assign({}, ...Object.values(families).map(({ options }) => options)) as OptionSchemas;
}

/** The row of a mode in the table of the family that has it, with the schemas of its options. */
export function callOf(mode: CallMode): { readonly spec: CallSpec; readonly options: OptionSchemas } {
  const family = Object.values(families).find(({ calls }) => Object.hasOwn(calls, mode))!; // each mode is some family's
  const spec = family.calls[mode]!;
  return { spec, options: optionsOf(family.options, spec) };
}

function requireFamily(family: string, file: string): FamilyName {
  if (isFamily(family)) return family;
  const known = Object.keys(families).join(', ');
  throw new DuetError(
    'invalid-config',
    `${file}: the family ${JSON.stringify(family)} is not known here; this version of Duet knows ${known}`,
  );
}

function isFamily(name: string): name is FamilyName {
  return Object.hasOwn(families, name);
}

export { hasNoiseSchedule, type NoiseSchedule, solverNames } from '../sampler/index.ts';
export {
  type CallTable,
  checkCall,
  choicesOf,
  defaultOf,
  fits,
  type InputName,
  type Limits,
  limitsOf,
  longestText,
} from './call-table.ts';
export type { LoadOptions } from './family.ts';
export { type InferenceStatus, inference } from './inference.ts';
export {
  type GeneratedText,
  type GenerateOptions,
  Llama,
  type Prompt,
  type TextEvent,
  type TextOptions,
} from './llama/index.ts';
export {
  type AnySample,
  type CallControls,
  type CallDefaults,
  type CallInputs,
  type CallResult,
  type CallSettings,
  type CaptionReport,
  type ModelDescription,
  type Pipeline,
  type ProgressEvent,
  type Timings,
  unfamiliarNotice,
} from './pipeline.ts';
export { checkSeeds, drawSeed, seedLimit } from './seeds.ts';
export * from './unidiffuser/index.ts';
export type { CallSpec, OptionSchemas };
export { findModel };
