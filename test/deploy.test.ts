/** The files of deploy/ name only flags, variables, scripts and paths that exist, and give a stopping server its time. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configKeys, flagOf, resolveConfig, variableOf } from '../server/config-sources.ts';
import { packageRoot } from '../src/core/package-root.ts';

const root = packageRoot();
const files = ['Dockerfile', 'compose.yaml', 'duet.service', 'duet-worker.service'] as const;
const read = (name: string) => readFileSync(join(root, 'deploy', name), 'utf8');
/** Beyond the time that running jobs get: see `releaseMs` of the commands. */
const releaseSeconds = 15;

describe.each(files)('deploy/%s', name => {
  const text = read(name);

  it('names only variables that Duet reads', () => {
    const known = new Set([...configKeys.map(variableOf), 'DUET_CACHE']);
    const named = text.match(/DUET_[A-Z_]+/g) ?? [];
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(variable => !known.has(variable))).toEqual([]);
  });

  it('names only flags that its command has', () => {
    const flags = new Set(configKeys.map(key => `--${flagOf(key)}`));
    const commands = text.match(/duet\.js (?:serve|worker)[^\n]*/g) ?? [];
    const named = commands.flatMap(command => command.match(/--[a-z-]+/g) ?? []);
    expect(named.filter(flag => !flags.has(flag))).toEqual([]);
  });
});

describe('values', () => {
  it.each(files)('of %s are such as the configuration takes', async name => {
    const pairs = [...read(name).matchAll(/^(?!#).*$/gm)].flatMap(([line]) => [
      ...line.matchAll(/(DUET_[A-Z_]+)(?:=|: )'?([\w:/.]+)'?/g),
    ]);
    const env = Object.fromEntries(pairs.map(([, variable = '', value = '']) => [variable, value]));
    const { unknownVariables } = await resolveConfig({ flags: {}, env });
    expect(unknownVariables).toEqual([]);
  });
});

describe('stopping', () => {
  it.each(['duet.service', 'duet-worker.service'])('%s waits longer than the server takes', name => {
    const [, given = ''] = /^TimeoutStopSec=(\d+)$/m.exec(read(name)) ?? [];
    const [, taken = ''] = /DUET_SHUTDOWN_SECONDS=(\d+)/.exec(read(name)) ?? [];
    expect(Number(given)).toBeGreaterThan(Number(taken) + releaseSeconds);
  });

  it('compose waits longer than the server takes', () => {
    const [, given = ''] = /stop_grace_period: (\d+)s/.exec(read('compose.yaml')) ?? [];
    const taken = [...read('compose.yaml').matchAll(/DUET_SHUTDOWN_SECONDS: '(\d+)'/g)].map(([, value]) =>
      Number(value),
    );
    expect(Number(given)).toBeGreaterThan(Math.max(...taken) + releaseSeconds);
  });
});

describe('the image', () => {
  const text = read('Dockerfile');

  it('copies what is there, or what the build makes', () => {
    const copied = [...text.matchAll(/COPY --from=build ([^\n]+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    );
    const made = new Set(['node_modules', 'dist', 'web/dist']);
    const missing = copied
      .map(path => path.replace('/app/', ''))
      .filter(path => !made.has(path) && !existsSync(join(root, path)));
    expect(copied.length).toBeGreaterThan(5);
    expect(missing).toEqual([]);
  });

  it('starts what package.json offers as duet', () => {
    const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { bin: { duet: string } };
    expect(text).toContain(`ENTRYPOINT ["node", "${bin.duet}"]`);
    for (const unit of ['duet.service', 'duet-worker.service']) expect(read(unit)).toContain(`/opt/duet/${bin.duet} `);
  });

  it('is built from all that the build reads', () => {
    const allowed = readFileSync(join(root, 'deploy', 'Dockerfile.dockerignore'), 'utf8').match(/^!.+$/gm) ?? [];
    const paths = allowed.map(line => line.slice(1));
    expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([]);
    const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.build.json'), 'utf8')) as { include: string[] };
    const copied = [...text.matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(([, sources = '']) => sources.split(' '));
    const read = [...include, ...copied.filter(path => path !== '.')];
    expect(read.filter(path => !paths.includes(path))).toEqual([]);
  });
});
