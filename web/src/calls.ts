/**
 * What the page must know of a mode, derived from what the server says of it: in which tab it is, what its form holds. So the
 * page offers what the model can do, whatever its family. Pure.
 */
import type { Capabilities, OptionSchema, WireCall } from './wire.ts';

export type TabId = 'chat' | 'draw' | 'describe' | 'imagine' | 'vary' | 'inpaint';
export const tabIds = ['chat', 'draw', 'describe', 'imagine', 'vary', 'inpaint'] as const satisfies readonly TabId[];

/** What forms give to calls. A dialogue is no field of a form. */
export type InputName = Exclude<WireCall['takes'][number], 'messages'>;
/** What the inputs of a call are, where it takes either. */
export type Kind = 'words' | 'pictures';

const isFormInput = (name: WireCall['takes'][number]): name is InputName => name !== 'messages';
const isPicture = (name: WireCall['takes'][number]) => name === 'image' || name === 'image2' || name === 'mask';

/** The tab of a call, by what it needs and makes. */
export function tabOf(call: WireCall): TabId {
  if (call.makes === 'answer') return 'chat';
  const needed = call.needs.flat();
  if (call.takes.includes('mask')) return 'inpaint';
  // Some models draw without a prompt too.
  if (call.makes === 'images' && call.takes.join() === 'prompt') return 'draw';
  if (needed.length === 0) return 'imagine';
  return call.makes === 'captions' ? 'describe' : 'vary';
}

export function modesOf(tab: TabId, { calls }: Capabilities): readonly string[] {
  return Object.entries(calls).flatMap(([mode, call]) => (tabOf(call) === tab ? [mode] : []));
}

/** The tabs that the model has something for. */
export function tabsOf(known: Capabilities): readonly TabId[] {
  return tabIds.filter(tab => modesOf(tab, known).length > 0);
}

/** The tab to look at a picture with, or else to vary one. */
export function tabNeedingPicture(known: Capabilities): TabId | undefined {
  return (['describe', 'vary'] as const).find(tab =>
    modesOf(tab, known).some(mode => known.calls[mode]!.needs.some(group => group.join() === 'image')),
  );
}

/** What a mode makes, as a heading; its own name where the server does not have it. */
export function titleOf(mode: string, known: Capabilities | null): string {
  return known && Object.hasOwn(known.calls, mode) ? known.calls[mode]!.title : mode;
}

/** Whether a person chooses to give words or pictures. */
export function choosesKind({ needs }: WireCall): boolean {
  return needs.some(group => group.some(isPicture) && !group.every(isPicture));
}

export interface Inputs {
  readonly needed: readonly InputName[];
  /** May stay empty. */
  readonly optional: readonly InputName[];
}

/** The inputs that a form shows. */
export function inputsOf(call: WireCall, kind: Kind): Inputs {
  const isOpen = (name: InputName) => !choosesKind(call) || isPicture(name) === (kind === 'pictures');
  const needed = call.needs.flatMap(group => group.filter(isFormInput).find(isOpen) ?? []);
  // The page has a mask painted: pictures with transparent parts, which say it themselves, are for programs.
  const painted: InputName[] = call.takes.includes('mask') && needed.includes('image') ? ['mask'] : [];
  const all = [...needed, ...painted];
  // Between two pictures captions could be given too; few would know what to write.
  const isOffered = (name: InputName) => isOpen(name) || (call.needs.length === 1 && kind === 'pictures');
  return {
    needed: all,
    optional: call.takes.filter(isFormInput).filter(name => !all.includes(name) && isOffered(name)),
  };
}

/** Whether the caption given must have a gap: it is filled in, and no picture is. */
export function fillsGaps(call: WireCall, kind: Kind): boolean {
  return call.takes.includes('mask') && choosesKind(call) && kind === 'words';
}

/** Options of which a form has one, as how often the call repeats. */
const counts = ['frames', 'rounds'];

/** The option that says how many samples the call makes. */
export function countOf(call: WireCall): string {
  return counts.find(name => call.options.includes(name)) ?? 'n';
}

/** Not offered: previews are always shown, jobs of people are equals, and how many there are has a field of its own. */
const withoutField: ReadonlySet<string> = new Set(['preview_every', 'priority', 'seed', 'n', ...counts]);

/** The options of a call that are settings, and work with the inputs that are shown. */
export function settingsOf(
  call: WireCall,
  kind: Kind,
  { options }: Capabilities,
): readonly (readonly [name: string, schema: OptionSchema])[] {
  const { needed, optional } = inputsOf(call, kind);
  const isShown = (input: WireCall['takes'][number] | undefined) =>
    input === undefined || [...needed, ...optional].some(name => name === input);
  return call.options
    .filter(name => !withoutField.has(name) && !call.without_effect.includes(name) && isShown(call.option_needs[name]))
    .flatMap(name => (options[name] ? [[name, options[name]] as const] : []));
}

/** An option's name for people. */
export function labelOf(name: string, schema: OptionSchema | undefined): string {
  const words = name.replaceAll('_', ' ');
  return schema?.title ?? `${words[0]?.toUpperCase()}${words.slice(1)}`;
}
