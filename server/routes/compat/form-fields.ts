/**
 * The names of a form's fields as paths: clients write lists as `image[]` or `image[0]`, and objects in them as
 * `images[][image_url]` or `mask[image_url]`.
 */

type Fields = Readonly<Record<string, unknown>>;

const pathPattern = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
const mostSteps = 4;

/** `image[0][url]` as `['image', '0', 'url']`; a name of any other form is one step. */
export function pathOfName(name: string): readonly string[] {
  const [, first, brackets = ''] = pathPattern.exec(name) ?? [];
  if (first === undefined) return [name];
  const path = [first, ...Array.from(brackets.matchAll(/\[([^[\]]*)\]/g), ([, step = '']) => step)];
  return path.length > mostSteps ? [name] : path;
}

/** `fields` with `value` at `path`. What stood there already becomes a list with it. */
export function withField(fields: Fields, [name = '', ...rest]: readonly string[], value: unknown): Fields {
  return { ...fields, [name]: placed(Object.hasOwn(fields, name) ? fields[name] : undefined, rest, value) };
}

function placed(earlier: unknown, path: readonly string[], value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return earlier === undefined ? value : [earlier, value].flat();
  if (!/^\d*$/.test(step)) {
    if (earlier !== undefined && !isFields(earlier)) return [earlier, withField({}, path, value)].flat();
    return withField(earlier ?? {}, path, value);
  }
  const list = earlier === undefined ? [] : [earlier].flat();
  const last = list.at(-1);
  const [key] = rest;
  // Further keys of the entry before, or an entry of its own where that has the key already.
  const continues = key !== undefined && isFields(last) && !Object.hasOwn(last, key);
  return continues ? [...list.slice(0, -1), placed(last, rest, value)] : [...list, placed(undefined, rest, value)];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
