/** The package as it is published: what is in it, how it installs, and every way to use it. Needs the npm registry. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/core/package-root.ts';
import { type InstalledPackage, installPackage, plainEnvironment } from './installed-package.ts';

const minutes = 60_000;
const root = packageRoot();
/** The oldest compiler that the declarations are written for; the newest is this project's. */
const oldCompiler = '5.6.3';

let duet: InstalledPackage;
beforeAll(async () => {
  duet = await installPackage([`typescript@${oldCompiler}`, '@types/node@20']);
  await cp(join(root, 'test/package/consumer'), duet.project, { recursive: true });
}, 20 * minutes);
afterAll(() => duet?.remove());

const own = (...path: string[]) => join(duet.project, 'node_modules/duet', ...path);

describe('the tarball', () => {
  it('holds what runs and nothing else', () => {
    const kept = /^(dist\/(bin|src|server)\/.+\.js|web\/dist\/.+|configs\/.+\.json|models\/[^/]+\/.+|install\/.+\.js)$/;
    const single = ['package.json', 'README.md', 'LICENSE', 'THIRD_PARTY.md', 'CHANGELOG.md', 'dist/src/index.d.ts'];
    expect(duet.files.filter(path => !kept.test(path) && !single.includes(path))).toEqual([]);
    expect(duet.files.filter(path => /(^|\/)(testing|test)\/|\.test\.|\.map$/.test(path))).toEqual([]);
    expect(duet.files).toEqual(expect.arrayContaining([...single, 'dist/bin/duet.js', 'web/dist/index.html']));
  });
});

describe('installing it', () => {
  it('gives no warning, such as of a package that does not take this Node', () => {
    // npm lists every install script that the project has not approved, and no package can keep it from doing so.
    const warnings = duet.installOutput.split('\n').filter(line => /^npm (?!warn install-scripts)/.test(line));
    expect(warnings).toEqual([]);
  });

  it('asks no host but the registry, and leaves the CUDA libraries out', async () => {
    expect(duet.connections).toBe(0);
    const binaries = join(duet.project, 'node_modules/onnxruntime/bin/napi-v6', process.platform, process.arch);
    const providers = (await readdir(binaries)).filter(name => name.includes('providers_'));
    for (const name of providers) {
      expect(await readFile(join(binaries, name), 'utf8')).toContain('npm rebuild onnxruntime');
    }
    if (process.platform === 'linux' && process.arch === 'x64') expect(providers).toHaveLength(3);
  });
});

describe('using it', { timeout: 10 * minutes }, () => {
  it('draws and describes from an ES module', async () => {
    const { bytes, caption, refused } = JSON.parse(await duet.run(process.execPath, ['esm.mjs']));
    expect(bytes).toBeGreaterThan(100);
    expect(typeof caption).toBe('string');
    expect(refused).toBe(true);
  });

  it('loads from CommonJS', async () => {
    const answer = JSON.parse(await duet.run(process.execPath, ['common.cjs']));
    expect(answer).toEqual({ name: 'emoji', imageSize: 64 });
  });

  it('works on after the other platforms are removed', async () => {
    expect(await duet.run(process.execPath, [own('install/prune.js')])).toMatch(/^\d{2,} files removed, \d{3} MiB\n$/);
    expect(await duet.run(process.execPath, [own('install/prune.js')])).toBe('0 files removed, 0 MiB\n');
    expect(JSON.parse(await duet.run(process.execPath, ['common.cjs']))).toMatchObject({ name: 'emoji' });
  });

  it('draws from the command line, and writes nothing elsewhere: no telemetry', async () => {
    const [home, temporary, here] = ['home', 'temporary', 'here'].map(name => join(duet.project, name));
    for (const folder of [home!, temporary!, here!]) await mkdir(folder);
    const env = { HOME: home!, USERPROFILE: home!, TMPDIR: temporary!, XDG_CACHE_HOME: '', XDG_CONFIG_HOME: '' };
    const output = join(here!, 'apple.png');
    await duet.run(own('../.bin/duet'), ['t2i', 'an apple', '--steps', '2', '--seed', '1', '-o', output], env);
    expect((await readFile(output)).subarray(1, 4).toString()).toBe('PNG');
    const left = await Promise.all([home!, temporary!, here!].map(folder => readdir(folder)));
    expect(left).toEqual([[], [], ['apple.png']]);
  });

  it('serves the page', async () => {
    const server = spawn(own('../.bin/duet'), ['serve', '--port', '0', '--data', 'none'], {
      cwd: duet.project,
      env: { ...plainEnvironment(), DUET_CACHE: join(duet.project, 'cache'), NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      let url: string | undefined;
      for await (const line of createInterface(server.stdout)) {
        url = /listens on (\S+)/.exec(line)?.[1];
        if (url !== undefined) break;
      }
      const page = await (await fetch(`${url}/`)).text();
      const [, script = ''] = /<script[^>]+src="\.?\/?([^"]+)"/.exec(page) ?? [];
      const { status, headers } = await fetch(`${url}/${script}`);
      expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('javascript')]);
    } finally {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
  });
});

describe('compiling against it', { timeout: 10 * minutes }, () => {
  const compilers = [
    { compiler: `TypeScript ${oldCompiler}`, home: () => duet.project },
    { compiler: "this project's TypeScript", home: () => root },
  ];
  const resolutions = [
    { resolution: 'node16', modules: { module: 'node16' } },
    { resolution: 'bundler', modules: { module: 'esnext', moduleResolution: 'bundler' } },
  ];
  const cases = compilers.flatMap(compiler =>
    resolutions.flatMap(resolution =>
      [true, false].map(skipLibCheck => ({ ...compiler, ...resolution, skipLibCheck })),
    ),
  );

  /** What the compiler reports, '' if nothing. */
  async function compile(home: string, file: string, options: Readonly<Record<string, unknown>>): Promise<string> {
    const shared = { target: 'es2022', strict: true, noEmit: true, exactOptionalPropertyTypes: true, types: ['node'] };
    const config = { compilerOptions: { ...shared, ...options }, files: [file] };
    await writeFile(join(duet.project, 'tsconfig.json'), JSON.stringify(config));
    const compiler = join(home, 'node_modules/typescript/bin/tsc');
    const report = duet.run(process.execPath, [compiler, '-p', '.']);
    return report.catch((error: { stdout: string }) => error.stdout);
  }

  it.each(cases)('$compiler, $resolution, skipLibCheck $skipLibCheck', async ({ home, modules, skipLibCheck }) => {
    expect(await compile(home(), 'public-api.mts', { ...modules, skipLibCheck })).toBe('');
  });

  it('works in CommonJS where the compiler knows that Node can require ES modules', async () => {
    expect(await compile(root, 'common.cts', { module: 'nodenext', skipLibCheck: false })).toBe('');
  });
});
