/** The command line in one process: a tiny model of random weights, streams in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll } from 'vitest';
import { runCli } from '../../src/cli/program.ts';
import { type LoadOptions, load, type Pipeline, writeModelFolder } from '../../src/pipelines/index.ts';
import { tinyModel } from './tiny-model.ts';

class Collected extends Writable {
  readonly chunks: Buffer[] = [];
  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    done();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }
  get text(): string {
    return this.bytes.toString();
  }
}

interface Outcome {
  readonly code: number;
  readonly stdout: Collected;
  readonly stderr: Collected;
}

interface RunOptions {
  readonly signal?: AbortSignal;
  /** Folder of the model beside the tiny one. @default that of the tiny one */
  readonly model?: string;
}

interface CommandLine {
  /** A path in a folder that the tests of one file share. */
  at(name: string): string;
  /** Runs `duet ...args` on the reference device; `input` comes on standard input. */
  duet(args: readonly string[], input?: string | Uint8Array, options?: RunOptions): Promise<Outcome>;
}

/** For the tests of one file: the folder, with the tiny model in `model`, is there before the first and gone after the last. */
export function commandLine(): CommandLine {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'duet-cli-'));
    await writeModelFolder(join(folder, 'model'), tinyModel());
  });
  afterAll(() => rm(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  return {
    at,
    async duet(args, input = '', { signal = new AbortController().signal, model = 'model' } = {}) {
      const [stdout, stderr] = [new Collected(), new Collected()];
      const tiny = (_model?: string, options?: LoadOptions): Promise<Pipeline> =>
        load(at(model), { ...options, device: 'reference' });
      const terminal = { stdin: Readable.from([input]), stdout, stderr, signal };
      return { code: await runCli(args, terminal, { load: tiny }), stdout, stderr };
    },
  };
}
