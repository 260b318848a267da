/** Time per node of a session, from ONNX Runtime's profiler. Runs in the inference process. */
import { createReadStream } from 'node:fs';
import { readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { InferenceSession } from 'onnxruntime';
import { DuetError } from '../../core/errors.ts';
import { makeFolder } from '../../core/folders.ts';
import { debugFolder } from './debug-switch.ts';

/** The profiler of ONNX Runtime keeps this many events of a session and drops later ones. */
const maxEvents = 1_000_000;

/** The sums over all runs of a session, by node and by operator. */
export interface NodeTimes {
  readonly byNode: readonly TimeRow[];
  readonly byOp: readonly TimeRow[];
  /** Whether the profiler had room for all runs. */
  readonly isComplete: boolean;
}

export interface TimeRow {
  readonly name: string;
  readonly calls: number;
  readonly microseconds: number;
}

/** The profile of one session from its creation to {@link SessionProfile.finish}. */
export class SessionProfile {
  readonly #folder: string;
  readonly #name: string;

  /** For a session of the graph in `modelFile`; `id` distinguishes it from other sessions of this process. */
  static async create(modelFile: string, id: number, folder = debugFolder()): Promise<SessionProfile> {
    await makeFolder(folder);
    return new SessionProfile(folder, `${basename(modelFile, '.onnx')}-${process.pid}-${id}`);
  }

  private constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
  }

  /** Options of the session to profile. */
  get options(): InferenceSession.SessionOptions {
    return { enableProfiling: true, profileFilePrefix: join(this.#folder, this.#prefix) };
  }

  get #prefix(): string {
    return `${this.#name}-profile`;
  }

  /** Ends the profile of `session` and writes NAME-times.txt (tables) and NAME-trace.json (for ui.perfetto.dev). */
  async finish(session: InferenceSession): Promise<void> {
    session.endProfiling();
    // ONNX Runtime adds the time of day to the name and does not return it.
    const written = (await readdir(this.#folder)).find(file => file.startsWith(`${this.#prefix}_`));
    if (written === undefined) {
      throw new DuetError(
        'invalid-config',
        `The profile of ${this.#name} is missing in ${this.#folder}; leave it there while a session runs`,
      );
    }
    const trace = join(this.#folder, `${this.#name}-trace.json`);
    await rename(join(this.#folder, written), trace);
    const lines = createInterface({ input: createReadStream(trace), crlfDelay: Number.POSITIVE_INFINITY });
    await writeFile(join(this.#folder, `${this.#name}-times.txt`), timesText(await nodeTimes(lines)));
  }
}

/** Sums up a trace, whose lines hold one event each. A trace may be larger than the longest string. */
export async function nodeTimes(lines: AsyncIterable<string> | Iterable<string>): Promise<NodeTimes> {
  const byNode = new Map<string, TimeRow>();
  const byOp = new Map<string, TimeRow>();
  let events = 0;
  for await (const line of lines) {
    if (!line.startsWith('{')) continue;
    events++;
    const event = JSON.parse(line.replace(/,\s*$/, ''));
    if (event.cat !== 'Node' || !event.name.endsWith(kernelTime)) continue;
    add(byNode, event.name.slice(0, -kernelTime.length), event.dur);
    add(byOp, event.args.op_name, event.dur);
  }
  return { byNode: slowestFirst(byNode), byOp: slowestFirst(byOp), isComplete: events < maxEvents };
}

const kernelTime = '_kernel_time';

function add(rows: Map<string, TimeRow>, name: string, duration: number): void {
  const { calls, microseconds } = rows.get(name) ?? { calls: 0, microseconds: 0 };
  rows.set(name, { name, calls: calls + 1, microseconds: microseconds + duration });
}

function slowestFirst(rows: ReadonlyMap<string, TimeRow>): TimeRow[] {
  return [...rows.values()].sort((a, b) => b.microseconds - a.microseconds);
}

/** Two tables: milliseconds, fraction of all nodes, calls, name. */
export function timesText({ byOp, byNode, isComplete }: NodeTimes): string {
  const total = byOp.reduce((sum, { microseconds }) => sum + microseconds, 0);
  const table = (title: string, rows: readonly TimeRow[]) => [
    `${'ms'.padStart(12)}${'share'.padStart(8)}${'calls'.padStart(9)}  ${title}`,
    ...rows.map(({ name, calls, microseconds }) => {
      const share = total > 0 ? (100 * microseconds) / total : 0;
      const numbers = [milliseconds(microseconds).padStart(12), `${share.toFixed(1)}%`.padStart(8)];
      return `${numbers.join('')}${`${calls}`.padStart(9)}  ${name}`;
    }),
  ];
  const full = `The profiler of ONNX Runtime was full (${maxEvents} events): later runs are not in these sums.`;
  const head = [`${milliseconds(total)} ms in all nodes`, ...(isComplete ? [] : [full])];
  return `${[...head, '', ...table('operator', byOp), '', ...table('node', byNode)].join('\n')}\n`;
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1000).toFixed(3);
}
