/**
 * Which rooms of the source may import which. Networks know no engine and no pipeline, vokens their language model; the
 * sampler knows no model; the engine knows no model; only pipelines join them; server and command line know only pipelines;
 * no two rooms import each other, not even by way of others.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const networks = ['uvit', 'unet', 'autoencoder', 'clip', 'vision', 'lm', 'vokens'];
const basics = ['core', 'ops', 'nn', ...networks];

/** What each room of src may import beside itself; `bin` and `server` stand for all within them. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  engine: ['core'],
  ops: ['core'],
  nn: ['core', 'ops'],
  ...Object.fromEntries(networks.map(name => [name, ['core', 'ops', 'nn']])),
  vokens: ['core', 'ops', 'nn', 'lm'],
  image: ['core'],
  tokenizer: ['core'],
  sampler: ['core'],
  batching: ['core'],
  weights: basics,
  eval: ['core'],
  emoji: ['core', 'eval'],
  pipelines: [...basics, 'engine', 'image', 'sampler', 'batching', 'weights', 'tokenizer', 'eval'],
  train: [...basics, 'engine', 'image', 'sampler', 'weights', 'tokenizer', 'pipelines', 'eval', 'emoji'],
  cli: ['core', 'engine', 'image', 'pipelines', 'train', 'eval', 'emoji', 'index'],
  index: ['core', 'engine', 'image', 'pipelines'],
  server: ['core', 'image', 'pipelines', 'cli'],
  bin: ['core', 'cli', 'server', 'pipelines', 'index'],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map(file => join(folder, file))
    .filter(file => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.includes('/testing/'));
}

const files = ['bin', 'server', 'src'].flatMap(sources);
const imports: Import[] = files.flatMap(from => {
  const text = readFileSync(join(root, from), 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g);
  return [...found].map(([, path]) => ({ from, to: normalize(join(dirname(from), path!)) }));
});

/** `src/pipelines/index.ts` is in the room `pipelines`. */
function roomOf(file: string): string {
  const [top = '', inner = ''] = relative('.', file).split('/');
  return top === 'src' ? inner.replace(/\.ts$/, '') : top;
}

describe('rooms', () => {
  it('import only what is below them', () => {
    const faults = imports
      .map(({ from, to }) => ({ from, room: roomOf(from), other: roomOf(to) }))
      .filter(({ room, other }) => room !== other && !allowed[room]?.includes(other))
      .map(({ from, other }) => `${from} ${other}`);
    expect([...new Set(faults)]).toEqual([]);
  });

  it('form no circle', () => {
    const edges = new Map<string, Set<string>>();
    for (const { from, to } of imports) {
      const [room, other] = [roomOf(from), roomOf(to)];
      if (room !== other) edges.set(room, (edges.get(room) ?? new Set()).add(other));
    }
    const reaches = (from: string, to: string, seen = new Set<string>()): boolean =>
      [...(edges.get(from) ?? [])].some(next => {
        if (next === to) return true;
        if (seen.has(next)) return false;
        seen.add(next);
        return reaches(next, to, seen);
      });
    expect([...edges.keys()].filter(room => reaches(room, room))).toEqual([]);
  });

  it('are all known to the rule', () => {
    expect([...new Set(files.map(roomOf))].filter(room => !Object.hasOwn(allowed, room))).toEqual([]);
  });
});

describe('families of models', () => {
  it('are known to nobody by name but training and the table of families', () => {
    const faults = imports.filter(
      ({ from, to }) =>
        to.startsWith('src/pipelines/') &&
        to !== 'src/pipelines/index.ts' &&
        !from.startsWith('src/pipelines/') &&
        !from.startsWith('src/train/'),
    );
    expect(faults.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
  });
});
