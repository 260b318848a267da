import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { wave } from '../../../test/support/kernel-table.ts';
import { type CompileSpec, compile, createSequences, type Program, sessionHost } from '../index.ts';

/** What the switch makes of whole programs, in a folder of this test. */
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-debug-'));
  vi.unstubAllEnvs();
  vi.stubEnv('DUET_DEBUG_FOLDER', folder);
  // The next inference process takes its environment from this one.
  await sessionHost.terminate();
  return () => rm(folder, { recursive: true });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await sessionHost.terminate();
});

const spec: CompileSpec = { inputs: { x: { dtype: 'float32', shape: ['batch', 2] } } };
const program: Program<unknown, unknown> = ({ inputs: { x } }) => ({ outputs: { y: x!.mul(2).exp() } });

const filesOf = async (ending: string) => (await readdir(folder)).filter(file => file.endsWith(ending));

async function runOnce(): Promise<void> {
  const executable = await compile(program, spec, { name: 'my program', threads: 1 });
  await executable.run({ x: wave([2, 2]) });
  await executable.run({ x: wave([3, 2]) });
  await executable.release();
}

test('graphs and times: a text and a model per graph, the tables when the session is released', async () => {
  vi.stubEnv('DUET_DEBUG', 'graphs,times');
  await runOnce();
  const [model, ...others] = await filesOf('.onnx');
  expect(others).toEqual([]);
  expect(model).toMatch(/^my_program-\w+\.onnx$/);
  const text = await readFile(join(folder, model!.replace('.onnx', '.txt')), 'utf8');
  expect(text).toContain('= Mul(inputs/x, ');
  const [times] = await filesOf('-times.txt');
  // Both runs, and nothing else.
  expect(await readFile(join(folder, times!), 'utf8')).toMatch(/ 2 {2}Exp$[\s\S]* {2}2 {2}Exp_\d+$/m);
  expect(await filesOf('-trace.json')).toHaveLength(1);
  expect(await filesOf('.json')).toHaveLength(1);
});

test('times of a session that is released by nobody are written when the process ends', async () => {
  const script = join(folder, 'script.mts');
  const engine = new URL('../index.ts', import.meta.url).href;
  await writeFile(
    script,
    `import { compile } from ${JSON.stringify(engine)};
    const program = ({ inputs: { x } }) => ({ outputs: { y: x.mul(2).exp() } });
    const executable = await compile(program, ${JSON.stringify(spec)}, { name: 'left', threads: 1 });
    await executable.run({ x: { dtype: 'float32', shape: [1, 2], data: Float32Array.of(1, 2) } });
    process.exit(0);`,
  );
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const env = { ...process.env, DUET_DEBUG: 'times' };
  await promisify(execFile)(process.execPath, ['--import', tsx, script], { env });
  // The inference process outlives its parent until it has written them.
  await vi.waitFor(
    async () => {
      const [times] = await filesOf('-times.txt');
      expect(await readFile(join(folder, times!), 'utf8')).toMatch(/ 1 {2}Exp_\d+\n/);
    },
    { timeout: 90_000, interval: 50 },
  );
});

test('compare: the first run of each program; sequences are named as left out', async () => {
  vi.stubEnv('DUET_DEBUG', 'compare');
  await runOnce();
  const [report, ...others] = await filesOf('-compare.txt');
  expect(others).toEqual([]);
  expect(await readFile(join(folder, report!), 'utf8')).toMatch(/^my program: all 3 results agree to within \S+\n$/);

  const sequences = createSequences({ past: { dtype: 'float32', shape: [2] } });
  const growing = await compile(
    ({ inputs: { x } }) => ({ outputs: { past: x!.expandDims(1) } }),
    { ...spec, sequences },
    { name: 'growing', threads: 1 },
  );
  await growing.extend([{ sequence: sequences.create(), inputs: { x: wave([2]) } }]);
  await growing.release();
  await sequences.release();
  const left = (await filesOf('-compare.txt')).find(file => file.startsWith('growing'));
  expect(await readFile(join(folder, left!), 'utf8')).toContain('not compared');
});

test('nothing is written while the switch is off', async () => {
  await runOnce();
  expect(await readdir(folder)).toEqual([]);
});
