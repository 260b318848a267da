/** The forms of the tabs, what each mode reads of them, and the request they make. Pure: no signals, no DOM. */
import type { Capabilities, JobBody, JobFields, JobMode, OptionSchema, OptionValue } from './wire.ts';

export type TabId = 'draw' | 'describe' | 'imagine' | 'vary' | 'inpaint';

/** A picture given to the model: the bytes that are sent, as a data URL, and a name to show. */
export interface InputPicture {
  readonly name: string;
  readonly url: string;
}

export interface Form {
  readonly mode: JobMode;
  readonly prompt: string;
  readonly prompt2: string;
  readonly negativePrompt: string;
  readonly image: InputPicture | null;
  readonly image2: InputPicture | null;
  /** Transparent where the picture is to be painted anew. */
  readonly mask: InputPicture | null;
  /** Of interpolation: what the two ends are. Of inpainting: where the gaps are. */
  readonly kind: 'words' | 'pictures';
  readonly n: number;
  /** null: a new one for each run. */
  readonly seed: number | null;
  /** null: the model's default. */
  readonly steps: number | null;
  readonly guidance: number | null;
  readonly solver: string;
  readonly frames: number;
  readonly rounds: number;
  /** By mode: options that the page has no field of its own for, those that differ from the defaults. */
  readonly extras: Readonly<Partial<Record<JobMode, Readonly<Record<string, OptionValue>>>>>;
}

export type InputName = 'prompt' | 'prompt2' | 'image' | 'image2' | 'mask';
/** A gap is a word of underscores in a caption. */
export type MissingName = InputName | 'gap';

interface ModeFields {
  readonly tab: TabId;
  /** What must be filled in before the mode can run. */
  readonly needs: readonly InputName[];
  /** What it reads if given. */
  readonly takes: readonly InputName[];
  readonly guided: boolean;
  /** What repeats: samples, frames of a mix or rounds of a chain. */
  readonly count: 'n' | 'frames' | 'rounds';
  readonly makes: 'pictures' | 'captions' | 'both';
}

/** Where the page has each mode, and which of its inputs a form must hold; options and limits are the server's to tell. */
export const modes = {
  t2i: { tab: 'draw', needs: ['prompt'], takes: [], guided: true, count: 'n', makes: 'pictures' },
  i2t: { tab: 'describe', needs: ['image'], takes: [], guided: true, count: 'n', makes: 'captions' },
  joint: { tab: 'imagine', needs: [], takes: [], guided: true, count: 'n', makes: 'both' },
  i: { tab: 'imagine', needs: [], takes: [], guided: false, count: 'n', makes: 'pictures' },
  t: { tab: 'imagine', needs: [], takes: [], guided: false, count: 'n', makes: 'captions' },
  gibbs: { tab: 'imagine', needs: [], takes: ['prompt'], guided: true, count: 'rounds', makes: 'both' },
  i2t2i: { tab: 'vary', needs: ['image'], takes: [], guided: true, count: 'n', makes: 'both' },
  t2i2t: { tab: 'vary', needs: ['prompt'], takes: [], guided: true, count: 'n', makes: 'both' },
  interpolate: { tab: 'vary', needs: [], takes: [], guided: true, count: 'frames', makes: 'pictures' },
  inpaint: { tab: 'inpaint', needs: ['image', 'mask'], takes: ['prompt'], guided: true, count: 'n', makes: 'pictures' },
} as const satisfies Record<JobMode, ModeFields>;

export const fieldsOf = (mode: JobMode): ModeFields => modes[mode];

const startingModes = { draw: 't2i', describe: 'i2t', imagine: 'joint', vary: 'i2t2i', inpaint: 'inpaint' } as const;
const startingCounts = { draw: 4, describe: 4, imagine: 6, vary: 4, inpaint: 2 } as const;

export function emptyForm(tab: TabId): Form {
  return {
    mode: startingModes[tab],
    prompt: '',
    prompt2: '',
    negativePrompt: '',
    image: null,
    image2: null,
    mask: null,
    kind: tab === 'inpaint' ? 'pictures' : 'words',
    n: startingCounts[tab],
    seed: null,
    steps: null,
    guidance: null,
    solver: 'dpm-multistep',
    frames: 9,
    rounds: 4,
    extras: {},
  };
}

/** What the form's mode needs, which for mixing and inpainting depends on what they are done to. */
export function needsOf({ mode, kind }: Form): readonly InputName[] {
  if (mode === 'interpolate') return kind === 'words' ? ['prompt', 'prompt2'] : ['image', 'image2'];
  if (mode === 'inpaint' && kind === 'words') return ['prompt'];
  return fieldsOf(mode).needs;
}

export function missingInputs(form: Form): MissingName[] {
  const missing: MissingName[] = needsOf(form).filter(name => {
    const value = form[name];
    return typeof value === 'string' ? value.trim() === '' : value === null;
  });
  const needsGap = form.mode === 'inpaint' && form.kind === 'words' && missing.length === 0;
  return needsGap && !hasGap(form.prompt) ? ['gap'] : missing;
}

function hasGap(caption: string): boolean {
  return caption.split(/\s+/).some(word => /^_+$/.test(word));
}

export function takesNegativePrompt(form: Form): boolean {
  return form.mode === 't2i' || (form.mode === 'inpaint' && form.kind === 'pictures');
}

/** The request a form makes: only what its mode reads, and defaults left to the server, whose capabilities may be known. */
export function toBody(form: Form, known: Capabilities | null = null): JobBody {
  const { guided, count, makes } = fieldsOf(form.mode);
  const takes = form.mode === 'inpaint' && form.kind === 'words' ? [] : fieldsOf(form.mode).takes;
  const body: JobBody = { mode: form.mode };
  for (const name of [...needsOf(form), ...takes]) {
    const value = form[name];
    const text = typeof value === 'string' ? value.trim() : value?.url;
    if (text) body[name] = text;
  }
  if (takesNegativePrompt(form) && form.negativePrompt.trim()) body.negative_prompt = form.negativePrompt.trim();
  body[count] = form[count];
  if (form.seed !== null) body.seed = form.seed;
  if (form.steps !== null) body.steps = form.steps;
  if (guided && form.guidance !== null) body.guidance = form.guidance;
  if (form.solver !== 'dpm-multistep') body.solver = form.solver;
  if (makes !== 'captions') body.preview_every = 2;
  return { ...body, ...extrasToSend(form, known) };
}

/** Of other options those that the mode has, as far as that is known. */
function extrasToSend(form: Form, known: Capabilities | null): Readonly<Record<string, OptionValue>> {
  const { [form.mode]: extras = {} } = takesExtras(form) ? form.extras : {};
  const names = known?.calls[form.mode]?.options;
  return Object.fromEntries(Object.entries(extras).filter(([name]) => names === undefined || names.includes(name)));
}

/** The options of captions with gaps are of their picture, which is not given. */
export function takesExtras({ mode, kind }: Form): boolean {
  return mode !== 'inpaint' || kind === 'pictures';
}

/** Options with fields of their own, or that a form does not offer. */
const ownFields: ReadonlySet<string> = new Set([
  ...['n', 'frames', 'rounds', 'seed', 'steps', 'guidance', 'solver', 'negative_prompt'],
  ...['preview_every', 'priority'],
]);

/** The other options of the form's mode, as the server describes them. */
export function otherOptions(
  form: Form,
  { calls, options }: Capabilities,
): readonly (readonly [string, OptionSchema])[] {
  if (!takesExtras(form)) return [];
  const names = calls[form.mode]?.options.filter(name => !ownFields.has(name)) ?? [];
  return names.flatMap(name => (options[name] ? [[name, options[name]] as const] : []));
}

/** What the mode takes where nothing else is sent. */
export function defaultOf(mode: JobMode, name: string, { calls }: Capabilities): OptionValue | undefined {
  return calls[mode]?.defaults[name];
}

/** The form with another value of such an option; the default is not sent. */
export function withExtra(form: Form, name: string, value: OptionValue, known: Capabilities): Form['extras'] {
  const { [name]: _before, ...others } = form.extras[form.mode] ?? {};
  const own = value === '' || value === defaultOf(form.mode, name, known) ? others : { ...others, [name]: value };
  return { ...form.extras, [form.mode]: own };
}

/** What is known of a request made earlier: from the history, or from inside a PNG. */
export type KnownRequest = Partial<Omit<JobFields, 'image' | 'image2' | 'mask'>> & { readonly mode: JobMode };

/** The form that made a request. Pictures are not part of what is kept; the caller adds those it has. */
export function toForm(request: KnownRequest, pictures: Partial<Pick<Form, 'image' | 'image2' | 'mask'>> = {}): Form {
  const blank = emptyForm(fieldsOf(request.mode).tab);
  return {
    ...blank,
    mode: request.mode,
    prompt: request.prompt ?? '',
    prompt2: request.prompt2 ?? '',
    negativePrompt: request.negative_prompt ?? '',
    kind: pictures.mask ? 'pictures' : kindOf(request, blank.kind),
    n: request.n ?? 1,
    seed: request.seed ?? null,
    steps: request.steps ?? null,
    guidance: request.guidance ?? null,
    solver: request.solver ?? 'dpm-multistep',
    frames: request.frames ?? blank.frames,
    rounds: request.rounds ?? blank.rounds,
    extras: { [request.mode]: extrasOf(request) },
    ...pictures,
  };
}

function extrasOf({ mode: _mode, model: _model, prompt: _prompt, prompt2: _prompt2, ...request }: KnownRequest) {
  const isExtra = (name: string, value: unknown) =>
    !ownFields.has(name) && !name.endsWith('_url') && (typeof value === 'string' || typeof value === 'number');
  return Object.fromEntries(Object.entries(request).filter(([name, value]) => isExtra(name, value)));
}

function kindOf({ mode, prompt, prompt2 }: KnownRequest, usual: Form['kind']): Form['kind'] {
  if (mode === 'interpolate') return prompt2 === undefined ? 'pictures' : 'words';
  return mode === 'inpaint' && prompt !== undefined && hasGap(prompt) ? 'words' : usual;
}

export function defaultGuidance(mode: JobMode, { calls }: Capabilities): number {
  return calls[mode]?.defaults.guidance ?? 1;
}

export function defaultSteps(mode: JobMode, { calls }: Capabilities): number {
  return calls[mode]?.defaults.steps ?? 1;
}
