/** This process's handle of one inference process: starts it, matches replies to requests, notices its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AbortGroups } from '../../core/abort-groups.ts';
import { DuetError } from '../../core/errors.ts';
import { FrameReader, writeFrame } from './frames.ts';
import type { ProcessSize, ReplyHeader, Request, Tensors } from './protocol.ts';

/** Of what the process wrote to its standard error, the end is shown when it dies. */
const keptStderr = 2048;
/** A call that nobody waits for any more gets this long to end by itself before the process is ended. */
const graceMs = 800;

interface Pending {
  readonly resolve: (tensors: Tensors) => void;
  readonly reject: (error: unknown) => void;
  isNeeded: boolean;
}

/** The process was ended on purpose before it answered: what does not depend on state in it may be sent again. */
export class ProcessEnded extends DuetError {
  constructor() {
    super('worker-died', 'The inference process was ended before it answered. Call again.');
  }
}

export interface ProcessEvents {
  /** It is ready for requests. */
  ready(): void;
  /** It has answered a request; its size if it was measured. */
  answered(kind: Request['kind'], size: ProcessSize | undefined): void;
  /** It is gone: by itself, to interrupt a call that nobody waited for, or because it was told to end. */
  ended(how: ProcessEnd): void;
}

export type ProcessEnd = 'died' | 'interrupted' | 'terminated';

export class InferenceProcess {
  readonly #child: ChildProcess;
  readonly #channel: Socket;
  readonly #events: ProcessEvents;
  /** In the order in which the process answers. */
  readonly #pending = new Map<number, Pending & { readonly kind: Request['kind'] }>();
  readonly #abortable = new AbortGroups<number>((id, reason) => this.#abandon(id, reason));
  /** Stores with training state, which would be lost with the process. */
  readonly #stateful = new Set<number>();
  readonly #ended: Promise<void>;
  #stderr = '';
  #isOpen = true;
  #wasReady = false;
  #isRetired = false;
  #hasEnded = false;
  #how: ProcessEnd = 'died';
  /** The call that the process is at, if nobody waits for it, and the time that it gets. */
  #unneeded: Pending | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor(events: ProcessEvents) {
    this.#events = events;
    const child = startProcess();
    this.#child = child;
    const [, , stderr, channel, lifeline] = child.stdio as unknown as [null, null, Socket, Socket, Socket];
    this.#channel = channel;
    for (const stream of [stderr, channel, lifeline]) {
      stream.unref();
      stream.on('error', () => {}); // the end of the process says what happened
    }
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderr);
    });
    const reader = new FrameReader<ReplyHeader>((header, tensors) => this.#receive(header, tensors));
    channel.on('data', (chunk: Uint8Array) => reader.push(chunk));
    child.unref();
    this.#ended = new Promise(resolve => {
      child.once('error', error => {
        this.#end(`it could not be started: ${error.message}`);
        resolve();
      });
      // After 'exit', when all that it wrote has been read.
      child.once('close', (code, signal) => {
        for (const stream of [stderr, channel, lifeline]) stream.destroy();
        this.#end(signal ? `signal ${signal}` : `exit code ${code}`);
        resolve();
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it takes requests. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether ONNX Runtime has been loaded in it, now or before it ended. */
  get wasReady(): boolean {
    return this.#wasReady;
  }

  get holdsState(): boolean {
    return this.#stateful.size > 0;
  }

  /**
   * Sends one request, whose tensors must not change until it is answered. An abort of `signal` rejects at once with its
   * reason; the call itself is ended with the process if it goes on for more than a second and nobody else's state is there.
   * @throws DuetError 'worker-died' if the process ends before it answers
   */
  send(id: number, request: Request, signal?: AbortSignal): Promise<Tensors> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (!this.#isOpen) return Promise.reject(new ProcessEnded());
    this.#noteState(request);
    return new Promise((resolve, reject) => {
      const settled = () => this.#abortable.delete(signal, id);
      this.#pending.set(id, {
        kind: request.kind,
        isNeeded: true,
        resolve: tensors => {
          settled();
          resolve(tensors);
        },
        reject: error => {
          settled();
          reject(error);
        },
      });
      this.#abortable.add(signal, id);
      this.#hold();
      const { tensors = {}, ...header } = { tensors: undefined, ...request };
      writeFrame(this.#channel, { ...header, id }, tensors);
    });
  }

  /** Takes no more requests and ends once all that it was sent are answered. */
  retire(): void {
    this.#isRetired = true;
    if (this.#pending.size === 0) void this.terminate();
  }

  /** Ends the process and everything in it. */
  async terminate(how: Exclude<ProcessEnd, 'died'> = 'terminated'): Promise<void> {
    if (this.#isOpen) this.#how = how;
    this.#isOpen = false;
    this.#child.kill('SIGKILL');
    this.#child.ref();
    await this.#ended;
  }

  /** Keeps this process alive while, and only while, somebody waits for an answer. */
  #hold(): void {
    const isNeeded = [...this.#pending.values()].some(pending => pending.isNeeded);
    for (const handle of [this.#child, this.#channel]) isNeeded ? handle.ref() : handle.unref();
  }

  #noteState(request: Request): void {
    switch (request.kind) {
      case 'put':
        if (request.isState) this.#stateful.add(request.store);
        break;
      case 'release':
        this.#stateful.delete(request.store);
        break;
    }
    // Without state a call that nobody needs may be ended with the process.
    this.#watchOldest();
  }

  #receive(header: ReplyHeader, tensors: Tensors): void {
    if (header.kind === 'ready') {
      this.#wasReady = true;
      this.#events.ready();
      return;
    }
    const pending = this.#pending.get(header.id);
    this.#pending.delete(header.id);
    if (header.kind === 'done') {
      this.#events.answered(pending?.kind ?? 'run', header.size);
      pending?.resolve(tensors);
    } else {
      const { message, code } = header;
      pending?.reject(code ? new DuetError(code, message) : new Error(message));
    }
    this.#watchOldest();
    this.#hold();
    if (this.#isRetired && this.#pending.size === 0) void this.terminate();
  }

  #abandon(id: number, reason: unknown): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    pending.isNeeded = false;
    pending.reject(reason);
    writeFrame(this.#channel, { kind: 'cancel', id });
    this.#watchOldest();
    this.#hold();
  }

  /** Ends the process if the call that it is at is not needed and does not end soon, whatever is sent meanwhile. */
  #watchOldest(): void {
    const [oldest] = this.#pending.values();
    const unneeded = oldest?.isNeeded || this.holdsState ? undefined : oldest;
    if (unneeded === this.#unneeded) return;
    clearTimeout(this.#grace);
    this.#unneeded = unneeded;
    if (unneeded) this.#grace = setTimeout(() => void this.terminate('interrupted'), graceMs).unref();
  }

  #end(cause: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isOpen = false;
    clearTimeout(this.#grace);
    const error = this.#how === 'died' ? this.#deathError(cause) : new ProcessEnded();
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    this.#events.ended(this.#how);
    for (const { reject } of waiting) reject(error);
  }

  #deathError(cause: string): DuetError {
    const words = this.#stderr.trim();
    return new DuetError(
      'worker-died',
      `The inference process ended while it was needed (${cause}). ` +
        `${words ? `It wrote: ${words}\n` : ''}` +
        'Its models are loaded again at the next call; if this repeats, the machine may be out of memory.',
    );
  }
}

/** Built, the process's module is JavaScript; run from source it is TypeScript, which Node reads with the help of tsx. */
function startProcess(): ChildProcess {
  const isSource = import.meta.url.endsWith('.ts');
  const loader = isSource ? ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href] : [];
  const module = new URL(`./session-process.${isSource ? 'ts' : 'js'}`, import.meta.url);
  return spawn(process.execPath, [...loader, fileURLToPath(module)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    // ONNX Runtime would keep a device id and a database of usage events for its maker in the home directory.
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    // Out of the terminal's process group: Ctrl-C is for this process, which then decides.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
}
