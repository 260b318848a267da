/** The forms of the tabs, what each mode reads of them, and the request they make. Pure: no signals, no DOM. */
import type { Capabilities, JobBody, JobMode, SolverName } from './wire.ts';

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
  readonly solver: SolverName;
  readonly frames: number;
  readonly rounds: number;
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

/** The one table of modes: what the page shows, sends and restores follows from it. */
export const modes = {
  t2i: { tab: 'draw', needs: ['prompt'], takes: [], guided: true, count: 'n', makes: 'pictures' },
  i2t: { tab: 'describe', needs: ['image'], takes: [], guided: true, count: 'n', makes: 'captions' },
  joint: { tab: 'imagine', needs: [], takes: [], guided: true, count: 'n', makes: 'both' },
  i: { tab: 'imagine', needs: [], takes: [], guided: false, count: 'n', makes: 'pictures' },
  t: { tab: 'imagine', needs: [], takes: [], guided: false, count: 'n', makes: 'captions' },
  gibbs: { tab: 'imagine', needs: ['prompt'], takes: [], guided: true, count: 'rounds', makes: 'both' },
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

/** The request a form makes: only what its mode reads, and defaults left to the server. */
export function toBody(form: Form): JobBody {
  const { guided, count, makes } = fieldsOf(form.mode);
  const takes = form.kind === 'pictures' ? fieldsOf(form.mode).takes : [];
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
  return body;
}

/** What is known of a request made earlier: from the history, or from inside a PNG. */
export type KnownRequest = Partial<Omit<JobBody, 'image' | 'image2' | 'mask'>> & { readonly mode: JobMode };

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
    ...pictures,
  };
}

function kindOf({ mode, prompt, prompt2 }: KnownRequest, usual: Form['kind']): Form['kind'] {
  if (mode === 'interpolate') return prompt2 === undefined ? 'pictures' : 'words';
  return mode === 'inpaint' && prompt !== undefined && hasGap(prompt) ? 'words' : usual;
}

export function defaultGuidance(mode: JobMode, { defaults }: Capabilities): number {
  const last: Partial<Record<JobMode, JobMode>> = {
    i2t2i: 't2i',
    t2i2t: 'i2t',
    gibbs: 't2i',
    interpolate: 't2i',
    inpaint: 't2i',
  };
  return defaults.guidance[mode] ?? defaults.guidance[last[mode] ?? mode] ?? 1;
}
