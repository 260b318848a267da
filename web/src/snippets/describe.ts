/** A form's request as the routes of the API want it: which route, which fields, which files. */
import type { JobBody, JobMode } from '../wire.ts';

type Route = 'generations' | 'variations' | 'edits' | 'chat' | 'jobs';

/** Which route serves a mode. Alternatives of captions are the choices of one chat completion. */
const routes = {
  t2i: 'generations',
  i: 'generations',
  joint: 'generations',
  i2t2i: 'variations',
  inpaint: 'edits',
  i2t: 'chat',
  t: 'jobs',
  t2i2t: 'jobs',
  gibbs: 'jobs',
  interpolate: 'jobs',
} as const satisfies Record<JobMode, Route>;

/** OpenAI's own limit of `n`, which routes of its family keep: more samples are requested as a native job. */
const mostByOpenai = 10;

export type Fields = Record<string, string | number>;

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
}

export function describe(body: JobBody, model: string): Described {
  // Only a picture with a mask is an edit; a caption with gaps is Duet's own.
  const isOwn = (body.mode === 'inpaint' && body.mask === undefined) || (body.n ?? 1) > mostByOpenai;
  const route = isOwn ? 'jobs' : routes[body.mode];
  const files = Object.fromEntries(
    (['image', 'image2', 'mask'] as const).filter(name => body[name] !== undefined).map(name => [name, `${name}.png`]),
  );
  const pairs = body.mode === 'joint';
  if (route === 'jobs') {
    const { image, image2, mask, preview_every, ...own } = body;
    return { route, known: {}, own: { ...own, model }, files, pairs };
  }
  const words: Fields = route === 'generations' || route === 'edits' ? { prompt: body.prompt ?? '' } : {};
  const known = { model, ...words, ...present({ n: body.n, ...(route === 'chat' && { seed: body.seed }) }) };
  const mode: Fields = body.mode === 'i' || body.mode === 'joint' ? { mode: body.mode } : {};
  const settings = present({
    ...(route !== 'chat' && { seed: body.seed }),
    num_inference_steps: body.steps,
    guidance_scale: body.guidance,
    negative_prompt: body.negative_prompt,
    scheduler: body.solver,
  });
  return { route, known, own: { ...mode, ...settings }, files, pairs };
}

function present(fields: Readonly<Record<string, string | number | undefined>>): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}

/** How one language calls each route. */
export type Writer = Readonly<Record<Route, (request: Described, origin: string) => string>>;
