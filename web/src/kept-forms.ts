/**
 * Forms over a reload: kept in the window's session storage, which ends with the window. Each picture has an entry of its
 * own, since a few large ones may be more than the storage takes: what does not fit is named after the reload.
 */
import { type TabId, tabIds } from './calls.ts';
import { emptyForm, type Form } from './form.ts';
import { type GuardedStorage, guarded, isRecord, parsed } from './guarded-storage.ts';
import type { Shown } from './standing.ts';

const pictureNames = ['image', 'image2', 'mask'] as const;
type PictureName = (typeof pictureNames)[number];
type ShownJobs = Partial<Record<TabId, Shown>>;

const formKey = (tab: TabId) => `duet-form-${tab}`;
const pictureKey = (tab: TabId, name: PictureName) => `duet-form-${tab}-${name}`;
const shownKey = 'duet-shown';

export interface FormKeeper {
  readonly forms: Readonly<Record<TabId, Form>>;
  readonly shown: Readonly<ShownJobs>;
  /** Names of pictures that were in the forms and could not be kept. */
  readonly lostPictures: readonly string[];
  /** Writes what differs from what was kept before. */
  keepForms(forms: Readonly<Record<TabId, Form>>): void;
  keepShown(shown: Readonly<ShownJobs>): void;
}

/** `open` gives the storage, or throws where the browser forbids it: then nothing is kept. */
export function createFormKeeper(open: () => Storage): FormKeeper {
  const storage = guarded(open);
  const lostPictures: string[] = [];
  const kept = new Map<TabId, Form>();
  const entries = tabIds.map(tab => {
    const { form, lost } = readForm(storage, tab);
    lostPictures.push(...lost);
    if (lost.length === 0) kept.set(tab, form); // otherwise it is written again, so that the loss is reported once
    return [tab, form] as const;
  });
  const writePicture = (tab: TabId, name: PictureName, picture: Form[PictureName]) => {
    if (picture === null || !storage.write(pictureKey(tab, name), picture.url)) storage.remove(pictureKey(tab, name));
  };
  return {
    forms: Object.fromEntries(entries) as Record<TabId, Form>,
    shown: parsed(storage.read(shownKey), isShown) ?? {},
    lostPictures,
    keepForms(forms) {
      for (const tab of tabIds) {
        const [before, form] = [kept.get(tab), forms[tab]];
        if (before === form) continue;
        kept.set(tab, form);
        for (const name of pictureNames) {
          if (before?.[name] !== form[name]) writePicture(tab, name, form[name]);
        }
        const names = pictureNames.map(name => [name, form[name]?.name ?? null] as const);
        storage.write(formKey(tab), JSON.stringify({ ...form, ...Object.fromEntries(names) }));
      }
    },
    keepShown(shown) {
      storage.write(shownKey, JSON.stringify(shown));
    },
  };
}

/**
 * Takes only the fields that the present form has: the entry may be of an older version of the page, or of another
 * program.
 */
function readForm(storage: GuardedStorage, tab: TabId): { form: Form; lost: readonly string[] } {
  const lost: string[] = [];
  const blank = emptyForm(tab);
  const read = parsed(storage.read(formKey(tab)), isRecord) ?? {};
  const fields = Object.entries(blank).map(([name, usual]) => {
    const value = read[name];
    return [name, isLike(usual, value) ? value : usual] as const;
  });
  const pictures = pictureNames.map(name => {
    const title = read[name];
    if (typeof title !== 'string') return [name, null] as const;
    const url = storage.read(pictureKey(tab, name));
    if (url?.startsWith('data:image/')) return [name, { name: title, url }] as const;
    lost.push(title);
    return [name, null] as const;
  });
  const form = { ...Object.fromEntries(fields), ...Object.fromEntries(pictures) } as unknown as Form;
  return isKind(form.kind) ? { form, lost } : { form: blank, lost };
}

/** Fields that begin as null hold numbers or pictures; the latter are read apart. */
function isLike(usual: unknown, value: unknown): boolean {
  if (usual === null) return value === null || Number.isFinite(value);
  if (isRecord(usual)) return isOptionsByMode(value);
  return typeof value === 'number'
    ? typeof usual === 'number' && Number.isFinite(value)
    : typeof value === typeof usual;
}

/** Options by name, by mode. */
function isOptionsByMode(value: unknown): boolean {
  const isValue = (option: unknown) =>
    typeof option === 'string' || typeof option === 'boolean' || Number.isFinite(option);
  const isOptions = (options: unknown) => isRecord(options) && Object.values(options).every(isValue);
  return isRecord(value) && Object.values(value).every(isOptions);
}

function isKind(kind: string): kind is Form['kind'] {
  return kind === 'words' || kind === 'pictures';
}

function isShown(value: unknown): value is ShownJobs {
  const isEntry = (entry: unknown) =>
    isRecord(entry) &&
    typeof entry['id'] === 'string' &&
    isRecord(entry['pictures']) &&
    (entry['unfinished'] === undefined || isListOfPictures(entry['unfinished']));
  return (
    isRecord(value) && Object.entries(value).every(([tab, entry]) => tabIds.some(id => id === tab) && isEntry(entry))
  );
}

function isListOfPictures(value: unknown): boolean {
  return Array.isArray(value) && value.every(url => typeof url === 'string' && url.startsWith('data:image/'));
}
