/** A form's request as the routes of the API want it: which route, which fields, which files. */
import type { BodyValue, JobBody } from '../form.ts';

type Route = 'generations' | 'variations' | 'edits' | 'chat' | 'dialogue' | 'jobs';

/**
 * Which route serves a mode, where one of OpenAI's does; native jobs have them all. Alternatives of captions are the choices of
 * one chat completion.
 */
const routes: Readonly<Record<string, Route>> = {
  t2i: 'generations',
  i: 'generations',
  joint: 'generations',
  i2t2i: 'variations',
  inpaint: 'edits',
  i2t: 'chat',
};

/** OpenAI's own limit of `n`, which routes of its family keep: more samples are requested as a native job. */
const mostByOpenai = 10;

export type Fields = Record<string, BodyValue>;

export interface Described {
  readonly route: Route;
  /** Fields that the openai clients know. */
  readonly known: Fields;
  /** Duet's own fields beside them. */
  readonly own: Fields;
  /** File fields, with names in place of the page's bytes. */
  readonly files: Readonly<Record<string, string>>;
  /** The pictures come with captions. */
  readonly pairs: boolean;
  /** What is said in a dialogue. */
  readonly said: string;
}

/** Options of answers that OpenAI's clients know. */
const knownInDialogues: ReadonlySet<string> = new Set(['max_tokens', 'temperature', 'top_p', 'stop', 'seed']);

function describeDialogue(
  { mode: _, preview_every: _previews, ...options }: JobBody,
  model: string,
  said: string,
): Described {
  const pick = (isKnown: boolean) =>
    Object.fromEntries(Object.entries(options).filter(([name]) => knownInDialogues.has(name) === isKnown));
  return {
    route: 'dialogue',
    known: { model, ...present(pick(true)) },
    own: pick(false),
    files: {},
    pairs: false,
    said,
  };
}

/** @param said what is said to a model that converses; undefined of other models */
export function describe(body: JobBody, model: string, said?: string): Described {
  if (body.mode === 'chat') return describeDialogue(body, model, said ?? '');
  // Only a picture with a mask is an edit, and a variation has no caption: the rest is Duet's own.
  const isOwn =
    // To a model that converses, a picture in a chat completion is a message.
    (body.mode === 'i2t' && said !== undefined) ||
    (body.mode === 'inpaint' && body['mask'] === undefined) ||
    (body.mode === 'i2t2i' && body['prompt'] !== undefined) ||
    Number(body['n'] ?? 1) > mostByOpenai;
  const route = (!isOwn && routes[body.mode]) || 'jobs';
  const files = Object.fromEntries(
    (['image', 'image2', 'mask'] as const).filter(name => body[name] !== undefined).map(name => [name, `${name}.png`]),
  );
  const pairs = body.mode === 'joint';
  if (route === 'jobs') {
    const { image, image2, mask, preview_every, ...own } = body;
    return { route, known: {}, own: { ...own, model }, files, pairs, said: '' };
  }
  const { mode: name, prompt = '', n, seed, steps, guidance, solver, preview_every: _previews, ...others } = body;
  const { image: _image, image2: _image2, mask: _mask, prompt2: _prompt2, ...options } = others;
  const words: Fields = route === 'generations' || route === 'edits' ? { prompt } : {};
  const known = { model, ...words, ...present({ n, ...(route === 'chat' && { seed }) }) };
  const mode: Fields = name === 'i' || name === 'joint' ? { mode: name } : {};
  const settings = present({
    ...(route !== 'chat' && { seed }),
    num_inference_steps: steps,
    guidance_scale: guidance,
    scheduler: solver,
    ...options,
  });
  return { route, known, own: { ...mode, ...settings }, files, pairs, said: '' };
}

function present(fields: Readonly<Record<string, BodyValue | undefined>>): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, BodyValue] => entry[1] !== undefined),
  );
}

/** How one language calls each route. */
export type Writer = Readonly<Record<Route, (request: Described, origin: string) => string>>;
