/** Duet as its users get it: built and packed in a copy of the sources, installed into an empty project elsewhere. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/core/package-root.ts';

const execute = promisify(execFile);

/** What `npm run build` and `npm pack` read. */
const sources = [
  ...['package.json', 'tsconfig.json', 'tsconfig.build.json', 'bin', 'src', 'server', 'web', 'tools'],
  ...['configs', 'models', 'install', 'README.md', 'LICENSE', 'THIRD_PARTY.md', 'CHANGELOG.md'],
];

export interface InstalledPackage {
  /** The project that has Duet among its dependencies. */
  readonly project: string;
  /** Paths inside the tarball. */
  readonly files: readonly string[];
  /** Connections that install scripts tried to make through the proxy they were given, to hosts that npm did not ask. */
  readonly connections: number;
  /** What npm said while installing. */
  readonly installOutput: string;
  /** Runs a program in the project; rejects if it fails. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>;
  remove(): Promise<void>;
}

/** @param extra further packages of the project, as `npm install` takes them */
export async function installPackage(extra: readonly string[]): Promise<InstalledPackage> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'duet-package-')));
  const [copy, project] = [join(folder, 'copy'), join(folder, 'project')];
  await copySources(copy);
  await execute('npm', ['run', 'build'], { cwd: copy, env: plainEnvironment() });
  const { tarball, files } = await pack(copy, folder);
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{}');
  const proxy = await refusingProxy();
  const { stdout, stderr } = await execute('npm', ['install', '--no-audit', '--no-fund', tarball, ...extra], {
    cwd: project,
    env: { ...plainEnvironment(), GLOBAL_AGENT_HTTP_PROXY: proxy.url, GLOBAL_AGENT_HTTPS_PROXY: proxy.url },
  }).finally(() => proxy.server.close());
  return {
    project,
    files,
    connections: proxy.connections(),
    installOutput: stdout + stderr,
    async run(program, args, env = {}) {
      const { stdout } = await execute(program, args, {
        cwd: project,
        env: { ...plainEnvironment(), DUET_CACHE: join(folder, 'cache'), NO_COLOR: '1', ...env },
      });
      return stdout;
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

async function copySources(copy: string): Promise<void> {
  const root = packageRoot();
  await mkdir(copy);
  for (const name of sources) {
    const filter = (path: string) => !/[\\/](node_modules|dist)$/.test(path);
    await cp(join(root, name), join(copy, name), { recursive: true, filter });
  }
  await symlink(await realpath(join(root, 'node_modules')), join(copy, 'node_modules'), 'junction');
}

async function pack(copy: string, destination: string): Promise<{ tarball: string; files: string[] }> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', destination];
  const { stdout } = await execute('npm', args, { cwd: copy, env: plainEnvironment() });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { tarball: join(destination, packed.filename), files: packed.files.map(({ path }) => path) };
}

/** The environment without what an npm that runs the tests adds to it, and without what this project's .npmrc says. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(npm_|duet_|onnxruntime_node|ort_|node_options$|node_env$|vitest|init_cwd$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** A proxy that refuses, and counts, whatever is asked of it. */
async function refusingProxy(): Promise<{ url: string; server: Server; connections: () => number }> {
  let connections = 0;
  const server = createServer(socket => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return { url: `http://127.0.0.1:${address.port}`, server, connections: () => connections };
}
