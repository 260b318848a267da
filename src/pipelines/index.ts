/** What a user loads: the table of families, and models from their folders. */
import { DuetError } from '../core/errors.ts';
import type { CallSpec, OptionSchemas } from './call-table.ts';
import { optionsOf } from './call-table.ts';
import { type ChatFamily, type ChatModel, isChatFamily, minigpt5, wordFamily } from './chat/index.ts';
import { mergeOptions } from './common-options.ts';
import { embeddedChatModel, embeddedModel } from './embedded-models.ts';
import type { Family, LoadOptions, PackOptions } from './family.ts';
import { type FoundModel, findModel, openModel } from './find-model.ts';
import type { ModelDescription, Pipeline } from './pipeline.ts';
import { type StableDiffusion, stableDiffusion } from './stable-diffusion/index.ts';
import { type CallMode, type UniDiffuser, unidiffuser } from './unidiffuser/index.ts';

/** All families, under the names that a config.json has as its `family` or, as transformers writes it, its `model_type`. */
export const families: { readonly [F in FamilyName]: Family<Models[F]> } = {
  unidiffuser,
  'stable-diffusion': stableDiffusion,
  minigpt5,
  llava: wordFamily,
  'blip-2': wordFamily,
  instructblip: wordFamily,
};

/** The class of each family's models. */
interface Models {
  readonly unidiffuser: UniDiffuser;
  readonly 'stable-diffusion': StableDiffusion;
  readonly minigpt5: ChatModel;
  readonly llava: ChatModel;
  readonly 'blip-2': ChatModel;
  readonly instructblip: ChatModel;
}

export type FamilyName = keyof Models;

/** Families whose models sample pictures and captions; the others answer in dialogues. */
type SamplingFamily = Exclude<FamilyName, ChatFamily>;

/** A loaded model of the family `F`, or of any that samples; `model.family` discriminates between them. */
export type ModelOf<F extends FamilyName = SamplingFamily> = Models[F];

/**
 * Loads an embedded model by name or a model folder by path: Duet's own, or one that diffusers wrote.
 * @throws DuetError 'model-not-found' listing the embedded models | 'invalid-config' | 'invalid-weights'
 * @example
 * const model = await Duet.load('emoji');
 */
export function load(model?: typeof embeddedModel, options?: LoadOptions): Promise<UniDiffuser>;
export function load(model: string, options?: LoadOptions): Promise<ModelOf>;
export async function load(model: string = embeddedModel, options: LoadOptions = {}): Promise<ModelOf> {
  const found = await openModel(model);
  const family = familyOf(found);
  if (isChatFamily(family)) {
    throw new DuetError(
      'invalid-config',
      `${found.origin} is that of a model that answers in dialogues; Duet.loadChat loads it`,
    );
  }
  return families[family].load(found.folder, options);
}

/**
 * Loads a model of any family, also one that answers in dialogues.
 * @throws DuetError as `load`
 */
export async function loadPipeline(model: string, options: LoadOptions): Promise<Pipeline> {
  const found = await openModel(model);
  return families[familyOf(found)].load(found.folder, options);
}

/**
 * Loads a model that must be of one family: the result has that family's own class.
 * @throws DuetError as `load`, and 'invalid-config' if the model is of another family
 * @example
 * const model = await Duet.loadAs('stable-diffusion', './stable-diffusion-v1-5');
 */
export async function loadAs<F extends FamilyName>(
  family: F,
  model: string,
  options: LoadOptions = {},
): Promise<ModelOf<F>> {
  const found = await openModel(model);
  const own = 'family' in found.kind ? found.kind.family : familyOf(found);
  if (own === family) return families[family].load(found.folder, options);
  throw new DuetError(
    'invalid-config',
    `${found.origin}: the model is of the family ${JSON.stringify(own)}, not ${family}; load takes any family`,
  );
}

/**
 * What a model can do, without loading it.
 * @throws DuetError 'model-not-found' | 'invalid-config'
 */
export async function describeModel(
  model: string,
): Promise<{ readonly description: ModelDescription; readonly folder: string; readonly created: number }> {
  const found = await openModel(model);
  const { folder, origin, config, created } = found;
  return { description: families[familyOf(found)].describe(config, origin), folder, created };
}

/**
 * Copies a model folder in half precision. Gives the bytes of its weights.
 * @throws DuetError 'invalid-argument' if the folder is not Duet's own, or `diffusion` is given of a model that draws with networks of its own; as `load`
 */
export async function packModel(from: string, to: string, options: PackOptions = {}): Promise<number> {
  const found = await openModel(from);
  const family = familyOf(found);
  const { pack }: Family = families[family];
  if (!pack) {
    throw new DuetError('invalid-argument', `${found.origin} is no folder of Duet's own, and only those are packed`);
  }
  if (options.diffusion !== undefined && !isChatFamily(family)) {
    throw new DuetError(
      'invalid-argument',
      `${found.origin} draws with networks of its own: diffusion is of chat models`,
    );
  }
  const bytes = await pack(found.folder, to, options);
  await describeModel(to); // what it names must be found from there
  return bytes;
}

const familyNames = Object.keys(families) as FamilyName[]; // Object.keys forgets the type of the keys

/** Every option of every family. */
export function optionsOfFamilies(): OptionSchemas {
  return mergeOptions(familyNames.map(name => families[name].options));
}

/** The row of a mode in the table of the first family that has it, with the options that it has in any family. */
export function callOf(mode: CallMode): { readonly spec: CallSpec; readonly options: OptionSchemas } {
  const rows = familyNames.flatMap(name => {
    const { calls, options }: Family = families[name];
    return Object.hasOwn(calls, mode) ? [{ spec: calls[mode]!, options }] : [];
  });
  const [first] = rows; // each mode is some family's
  return { spec: first!.spec, options: mergeOptions(rows.map(({ spec, options }) => optionsOf(options, spec))) };
}

/** @throws DuetError 'invalid-config' naming the family or the pipeline that is not known, with what is */
function familyOf({ kind, origin }: FoundModel): FamilyName {
  if ('family' in kind) {
    // The other families have no config.json of their own.
    const own = familyNames.filter(name => !(families[name] as Family).pipelineClasses);
    const named = own.find(name => name === kind.family);
    if (named) return named;
    throw notKnown(origin, `the family ${JSON.stringify(kind.family)}`, own);
  }
  const family = familyNames.find(name => (families[name] as Family).pipelineClasses?.includes(kind.pipeline));
  if (family) return family;
  if (kind.pipeline === 'UniDiffuserPipeline') {
    throw new DuetError('invalid-config', `${origin}: UniDiffuser's folders of diffusers are not read yet`);
  }
  const known = familyNames.flatMap(name => (families[name] as Family).pipelineClasses ?? []);
  throw notKnown(origin, `the pipeline ${kind.pipeline}`, known);
}

function notKnown(origin: string, what: string, known: readonly string[]): DuetError {
  return new DuetError(
    'invalid-config',
    `${origin}: ${what} is not known here; this version of Duet knows ${known.join(', ')}`,
  );
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
export {
  type AnswerPart,
  type ChatCallOptions,
  type ChatMode,
  ChatModel,
  type ContentPart,
  checkTurns,
  type InterleavedAnswer,
  type InterleavedChatEvent,
  type InterleavedChatOptions,
  type InterleavedMessage,
  loadEvalChat,
} from './chat/index.ts';
export type { CommonOptions, SolverName } from './common-options.ts';
export type { LoadOptions, PackOptions } from './family.ts';
export { type InferenceStatus, inference } from './inference.ts';
export {
  type GeneratedText,
  Llama,
  type Prompt,
  type TextEvent,
  type TextOptions,
} from './llama/index.ts';
export {
  type AnswerEvent,
  type AnySample,
  type CallAnswer,
  type CallControls,
  type CallDefaults,
  type CallInputs,
  type CallResult,
  type CallSettings,
  type CaptionReport,
  type DialogueDescription,
  type ModelDescription,
  type Pipeline,
  type ProgressEvent,
  type RunControls,
  type SamplingSettings,
  type Timings,
  unfamiliarNotice,
} from './pipeline.ts';
export { checkSeeds, drawSeed, seedLimit } from './seeds.ts';
export * from './stable-diffusion/index.ts';
export * from './unidiffuser/index.ts';
export type { CallSpec, OptionSchemas };
export { embeddedChatModel, embeddedModel, findModel };
