/** The forms of the tabs, what they lack, and the request they make. Pure: no signals, no DOM. */

import {
  countOf,
  fillsGaps,
  type InputName,
  inputsOf,
  type Kind,
  modesOf,
  settingsOf,
  type TabId,
  tabOf,
} from './calls.ts';
import type { Capabilities, OptionValue, WireCall, WireRequest } from './wire.ts';

/** A picture given to the model: the bytes that are sent, as a data URL, and a name to show. */
export interface InputPicture {
  readonly name: string;
  readonly url: string;
}

/** Values of options by name. */
export type Options = Readonly<Record<string, OptionValue>>;

export interface Form {
  /** Empty, or unknown to the server: the first mode of the tab. */
  readonly mode: string;
  readonly prompt: string;
  readonly prompt2: string;
  readonly image: InputPicture | null;
  readonly image2: InputPicture | null;
  /** Transparent where the picture is to be painted anew. */
  readonly mask: InputPicture | null;
  /** What is given, where the mode takes words or pictures. */
  readonly kind: Kind;
  readonly n: number;
  /** null: a new one for each run. */
  readonly seed: number | null;
  /** By mode: the other options, those that differ from the defaults. */
  readonly options: Readonly<Record<string, Options>>;
}

/** A gap is a word of underscores in a caption. */
export type MissingName = InputName | 'gap';

/** The body of POST /v1/jobs. */
export interface JobBody {
  readonly mode: string;
  readonly [field: string]: BodyValue;
}

/** A list is written in a form as a text, an entry a line. */
export type BodyValue = OptionValue | readonly string[];

const startingCounts = { chat: 1, draw: 4, describe: 4, imagine: 6, vary: 4, inpaint: 2 } as const;
/** Steps between previews. */
const previewEvery = 2;

export function emptyForm(tab: TabId): Form {
  return {
    mode: '',
    prompt: '',
    prompt2: '',
    image: null,
    image2: null,
    mask: null,
    kind: tab === 'inpaint' ? 'pictures' : 'words',
    n: startingCounts[tab],
    seed: null,
    options: {},
  };
}

/** A form's mode as the server has it, with what that says of it. */
export interface FormCall {
  readonly mode: string;
  readonly call: WireCall;
}

/** undefined if the model has nothing for the tab. */
export function callOf(tab: TabId, form: Form, known: Capabilities): FormCall | undefined {
  const modes = modesOf(tab, known);
  const mode = modes.includes(form.mode) ? form.mode : modes[0];
  const call = mode === undefined ? undefined : known.calls[mode];
  return mode === undefined || call === undefined ? undefined : { mode, call };
}

export function missingInputs(form: Form, { call }: FormCall): MissingName[] {
  const missing: MissingName[] = inputsOf(call, form.kind).needed.filter(name => {
    const value = form[name];
    return typeof value === 'string' ? value.trim() === '' : value === null;
  });
  const lacksGap = fillsGaps(call, form.kind) && missing.length === 0 && !hasGap(form.prompt);
  return lacksGap ? ['gap'] : missing;
}

function hasGap(caption: string): boolean {
  return caption.split(/\s+/).some(word => /^_+$/.test(word));
}

/** What an option of the form is, or would be if nothing is sent. */
export function optionValue({ options, n }: Form, { mode, call }: FormCall, name: string): OptionValue | undefined {
  return name === 'n' ? n : (options[mode]?.[name] ?? call.defaults[name]);
}

/** The form with another value of an option; the default is not kept, and thus not sent. */
export function withOption(form: Form, { mode, call }: FormCall, name: string, value: OptionValue): Partial<Form> {
  if (name === 'n') return { n: Number(value) };
  const { [name]: _before, ...others } = form.options[mode] ?? {};
  const isDefault = value === '' || value === call.defaults[name];
  return { options: { ...form.options, [mode]: isDefault ? others : { ...others, [name]: value } } };
}

/** The options that were set in the form, of those that it shows. */
export function optionsSet(form: Form, { mode, call }: FormCall, known: Capabilities): Options {
  const shown = new Set([countOf(call), ...settingsOf(call, form.kind, known).map(([name]) => name)]);
  const own = Object.entries(form.options[mode] ?? {});
  return Object.fromEntries(own.filter(([name]) => shown.has(name)));
}

/** The request a form makes: only what its mode reads, and defaults left to the server. */
export function toBody(form: Form, formCall: FormCall, known: Capabilities): JobBody {
  const { mode, call } = formCall;
  const { needed, optional } = inputsOf(call, form.kind);
  const body: Record<string, BodyValue> = {};
  for (const name of [...needed, ...optional]) {
    const value = form[name];
    const text = typeof value === 'string' ? value.trim() : value?.url;
    if (text) body[name] = text;
  }
  if (countOf(call) === 'n' && call.options.includes('n')) body['n'] = form.n;
  if (form.seed !== null) body['seed'] = form.seed;
  for (const [name, value] of Object.entries(optionsSet(form, formCall, known))) {
    const isList = known.options[name]?.type === 'array';
    body[name] = typeof value !== 'string' ? value : isList ? linesOf(value) : value.trim();
  }
  if (call.makes !== 'captions' && call.options.includes('preview_every')) body['preview_every'] = previewEvery;
  return { mode, ...body };
}

function linesOf(text: string): readonly string[] {
  return text.split('\n').filter(line => line !== '');
}

/**
 * The form that made a request; undefined if the model does not have its mode. Pictures are not part of what is kept; the
 * caller adds those it has.
 */
export function toForm(
  { mode, request }: { readonly mode: string; readonly request: WireRequest },
  known: Capabilities,
  pictures: Partial<Pick<Form, 'image' | 'image2' | 'mask'>> = {},
): { readonly tab: TabId; readonly form: Form } | undefined {
  const call = Object.hasOwn(known.calls, mode) ? known.calls[mode] : undefined;
  const tab = call && tabOf(call);
  if (!tab) return undefined;
  const { prompt = '', prompt2 = '', n, seed } = request;
  const form: Form = {
    ...emptyForm(tab),
    mode,
    prompt,
    prompt2,
    kind: kindOf(request, call, pictures),
    n: typeof n === 'number' ? n : 1,
    seed: typeof seed === 'number' ? seed : null,
    ...pictures,
  };
  const { options, defaults } = call;
  const own = options.flatMap(name => {
    const given = request[name];
    const value = Array.isArray(given) ? given.join('\n') : given;
    return name !== 'n' && name !== 'seed' && isOptionValue(value) && value !== defaults[name] ? [[name, value]] : [];
  });
  return { tab, form: { ...form, options: { [mode]: Object.fromEntries(own) as Options } } };
}

function isOptionValue(value: unknown): value is OptionValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Of requests whose pictures are not known, what they hold tells: the other end, or a gap to fill. */
function kindOf(request: WireRequest, call: WireCall, pictures: Partial<Pick<Form, 'image' | 'mask'>>): Kind {
  const isPictured = request.image_url !== undefined || pictures.image != null || pictures.mask != null;
  if (isPictured || request.prompt === undefined) return 'pictures';
  if (!call.takes.includes('mask')) return 'words';
  return hasGap(request.prompt) ? 'words' : 'pictures';
}
