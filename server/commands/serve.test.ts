/** `duet serve` and `duet doctor` in one process. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { writeModelFolder } from '../../src/pipelines/index.ts';
import { tinyModel } from '../../test/support/tiny-model.ts';
import { serverCommands } from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duet-cli-serve-'));
  await writeModelFolder(join(folder, 'model'), tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));

/** A stream that keeps its text and tells whenever there is more. */
class Collected extends Writable {
  text = '';
  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.emit('more');
    done();
  }
  until(pattern: RegExp): Promise<string> {
    return new Promise(resolve => {
      const look = () => {
        const [found] = pattern.exec(this.text) ?? [];
        if (found !== undefined) resolve(found);
      };
      this.on('more', look);
      look();
    });
  }
}

function run(args: readonly string[]) {
  const controller = new AbortController();
  const [stdout, stderr] = [new Collected(), new Collected()];
  const stdin = Readable.from(['']);
  const code = runCli(args, { stdin, stdout, stderr, signal: controller.signal }, { commands: serverCommands });
  return { code, stdout, stderr, stop: () => controller.abort() };
}

describe('duet doctor', () => {
  it('shows values with their origin and finds what a server needs', async () => {
    const { code, stdout } = run([
      'doctor',
      '--json',
      '--model',
      join(folder, 'model'),
      '--data',
      join(folder, 'data'),
    ]);
    expect(await code, stdout.text).toBe(0);
    const report = JSON.parse(stdout.text);
    expect(report).toMatchObject({ isHealthy: true, configFile: null });
    expect(report.config.model).toEqual({ value: join(folder, 'model'), origin: 'flag' });
    expect(report.config.port).toEqual({ value: 7860, origin: 'default' });
  });

  it('never shows keys, and exits with 2 where a server could not run', async () => {
    await writeFile(join(folder, 'file'), '');
    const args = ['doctor', '--api-keys', 'secret-key', '--model', 'nonexistent', '--data', join(folder, 'file', 'x')];
    const { code, stdout, stderr } = run(args);
    expect(await code).toBe(2);
    expect(stdout.text).toContain('1 keys');
    expect(stderr.text).toContain('model, data folder');
    expect(stdout.text + stderr.text).not.toContain('secret-key');
  });
});

describe('duet serve', () => {
  it('listens, answers and ends with 0 when it is told to', async () => {
    const model = join(folder, 'model');
    const { code, stdout, stop } = run([
      'serve',
      '--port',
      '0',
      '--model',
      model,
      '--data',
      'none',
      '--device',
      'reference',
    ]);
    const url = await stdout.until(/http:\/\/127\.0\.0\.1:\d+/);
    const ready = (await (await fetch(`${url}/health/ready`)).json()) as { status: string; models: string[] };
    expect(ready).toMatchObject({ status: 'ready', models: ['tiny'] });
    stop();
    expect(await code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it.each([
    [['serve', '--port', 'abc'], /--port must be a whole number/],
    [['serve', '--prot', '1'], /Did you mean --port\?/],
    [['serve', '--config', '/nowhere.json'], /nowhere\.json cannot be read/],
    [['serve', '--model', 'nonexistent', '--data', 'none'], /There is no model "nonexistent"/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = run(args);
    expect(await code).toBe(2);
    expect(stderr.text).toMatch(message);
  });
});
