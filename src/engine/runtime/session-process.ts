/**
 * The inference process: it owns ONNX Runtime, whose `session.run` blocks its thread for the whole run and whose faults end
 * the process that it runs in. Requests come and replies go as frames over file descriptor 3. Descriptor 4 is open as long as
 * the parent lives: when it closes, however the parent ended, this process ends too.
 */
import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { DuetError } from '../../core/errors.ts';
import { debugKinds } from '../debug/debug-switch.ts';
import { FrameReader, writeFrame } from './frames.ts';
import { finishProfiles, perform } from './onnx-sessions.ts';
import type { ProcessSize, ReplyHeader, Request, RequestHeader, Tensors } from './protocol.ts';
import { sequenceBytes } from './sequence-memories.ts';

// These reach all processes of a terminal or a service; when to end is the parent's decision.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

/** Milliseconds that this process may outlive its parent: profiles are written at the end. */
const graceMs = debugKinds().has('times') ? 60_000 : 0;

/** Ends this process while a run blocks its main thread, where nothing but a signal can. */
const watchdog = `
  const { Socket } = require('node:net');
  const lifeline = new Socket({ fd: 4 });
  const kill = () => process.kill(process.pid, 'SIGKILL');
  lifeline.on('close', () => (${graceMs} ? setTimeout(kill, ${graceMs}) : kill())).on('error', () => {}).resume();
`;
new Worker(watchdog, { eval: true, execArgv: [], stdin: false, env: {} }).unref();

const measuringInterval = 200;
let measured = Number.NEGATIVE_INFINITY;

function sizeAfter({ kind }: Request): { size?: ProcessSize } {
  const now = performance.now();
  if (kind !== 'load' && now - measured < measuringInterval) return {};
  measured = now;
  return { size: { resident: process.memoryUsage.rss(), sequences: sequenceBytes() } };
}

const channel = new Socket({ fd: 3 });

function reply(header: ReplyHeader, tensors: Tensors = {}): void {
  writeFrame(channel, header, tensors);
}

/** How long the event loop is kept awake for the next request of a run of small ones: waking it takes a third of this. */
const awakeMs = 0.5;
let awakeUntil = 0;

function stayAwake(): void {
  if (performance.now() < awakeUntil && needed.size === 0) setImmediate(stayAwake);
}

/** Requests whose turn has not come, by id; the value says whether the answer is still needed. */
const needed = new Map<number, boolean>();

async function answer(id: number, request: Request): Promise<void> {
  try {
    // A turn of the event loop, in which a cancellation that lies in the channel is read.
    await new Promise(resolve => setImmediate(resolve));
    const isNeeded = needed.get(id) === true;
    needed.delete(id);
    const tensors = await perform(request, isNeeded);
    reply({ kind: 'done', id, ...sizeAfter(request) }, tensors);
    awakeUntil = performance.now() + awakeMs;
    setImmediate(stayAwake);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    reply({ kind: 'failed', id, message, ...(DuetError.isInstance(error) && { code: error.code }) });
  }
}

// Requests are answered one after the other, in order: a run must see the state that the one before it left.
let previous: Promise<void> = Promise.resolve();
const reader = new FrameReader<RequestHeader>((header, tensors) => {
  const { id } = header;
  if (header.kind === 'cancel') {
    if (needed.has(id)) needed.set(id, false);
    return;
  }
  needed.set(id, true);
  // The header is what the parent made of a request by taking its tensors out.
  const request = { ...header, tensors } as unknown as Request;
  previous = previous.then(() => answer(id, request));
});
channel.on('data', chunk => reader.push(chunk));
channel.on('close', () => {
  // A run that this process is at ends first; what waits is not begun.
  for (const id of needed.keys()) needed.set(id, false);
  const written = graceMs > 0 ? previous.then(finishProfiles) : Promise.resolve();
  void written.finally(() => process.kill(process.pid, 'SIGKILL'));
});
channel.on('error', () => {}); // followed by 'close'
reply({ kind: 'ready' });
