import { getEventListeners } from 'node:events';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { floats, ints } from '../../../test/support/kernel-table.ts';
import type { HostTensor } from '../../core/host-tensor.ts';
import {
  type CompileSpec,
  compile,
  createSequences,
  type Device,
  type Executable,
  type Program,
  type Sequence,
  type SequenceStore,
  sessionHost,
} from '../index.ts';

/** A position is two numbers, their product as an integer, and whether the first is above zero. */
const layout = {
  pair: { dtype: 'float32', shape: [2] },
  product: { dtype: 'int32', shape: [] },
  positive: { dtype: 'bool', shape: [] },
} as const;

/** Adds the positions of `x`; tells of those before: how many are positive, and sums that depend on their order. */
const program: Program<unknown, unknown> = ({ inputs }) => {
  const { x, pair, product, positive, pastLengths } = inputs as Record<string, tf.Tensor>;
  const [batch, length] = x!.shape as [number, number, number];
  const past = pair!.shape[1]!;
  const slots = tf.range(0, past, 1, 'float32').reshape([1, past]);
  const isThere = tf.less(slots, pastLengths!.cast('float32').reshape([batch, 1])).cast('float32');
  const places = slots.add(1).mul(isThere);
  const [first, second] = [0, 1].map(axis => x!.slice([0, 0, axis], [batch, length, 1]).reshape([batch, length]));
  return {
    outputs: {
      ordered: pair!.mul(places.reshape([batch, past, 1])).sum(1),
      // Without a mask: what lies behind the end of a row is zero.
      products: product!.sum(1),
      positives: positive!.cast('int32').sum(1),
      pair: x!,
      product: first!.mul(second!).cast('int32'),
      positive: first!.greater(0),
    },
  };
};

type Position = readonly [number, number];

/** What the program says of `positions`. */
function oracle(positions: readonly Position[]): Record<string, HostTensor> {
  const ordered = [0, 1].map(axis => positions.reduce((sum, pair, index) => sum + (index + 1) * pair[axis]!, 0));
  const products = positions.reduce((sum, [a, b]) => sum + a * b, 0);
  const positives = positions.filter(([a]) => a > 0).length;
  return {
    ordered: floats(...ordered),
    products: { ...ints([], products) },
    positives: { ...ints([], positives) },
  };
}

const x = (...positions: Position[]): Record<string, HostTensor> => ({
  x: { dtype: 'float32', shape: [positions.length, 2], data: Float32Array.from(positions.flat()) },
});

const open: (Executable | SequenceStore)[] = [];

afterEach(async () => {
  for (const item of open.splice(0)) await item.release();
  vi.restoreAllMocks();
});

async function setUp(device: Device, options: { maxBytes?: number; positions?: string } = {}) {
  const { positions, ...rest } = options;
  const inputs = { x: { dtype: 'float32', shape: ['batch', 'length', 2] } } as const;
  const sequences = createSequences(layout, { device, ...rest });
  const spec = { inputs, sequences, ...(positions && { positions }) };
  const executable = await compile(program, spec, { device, name: 'toy', threads: 1 });
  open.push(executable, sequences);
  return { sequences, executable };
}

const devices: Device[] = ['cpu', 'reference'];

describe.each(devices)('sequences on %s', device => {
  test('go on, fork and are dropped in any order as lists do', async () => {
    const { sequences, executable } = await setUp(device);
    const position = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -9, max: 9 }));
    const step = fc.record({
      create: fc.boolean(),
      fork: fc.option(fc.nat()),
      drop: fc.option(fc.nat()),
      extend: fc.array(fc.tuple(fc.nat(), fc.array(position, { minLength: 1, maxLength: 20 })), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async steps => {
        const lists = new Map<Sequence, Position[]>([[sequences.create(), []]]);
        const pick = (index: number) => [...lists.keys()][index % lists.size]!;
        for (const { create, fork, drop, extend } of steps) {
          if (create || lists.size === 0) lists.set(sequences.create(), []);
          if (fork !== null) {
            const from = pick(fork);
            lists.set(sequences.fork(from), [...lists.get(from)!]);
          }
          const given = new Map(extend.map(([index, positions]) => [pick(index), positions] as const));
          const rows = [...given].map(([sequence, positions]) => ({ sequence, inputs: x(...positions) }));
          const results = await executable.extend(rows);
          for (const [row, [sequence, positions]] of [...given].entries()) {
            expect(results[row]).toEqual(oracle(lists.get(sequence)!));
            lists.get(sequence)!.push(...positions);
            expect(sequence.length).toBe(lists.get(sequence)!.length);
          }
          if (drop !== null) {
            const gone = pick(drop);
            sequences.drop(gone);
            lists.delete(gone);
          }
        }
        for (const sequence of lists.keys()) sequences.drop(sequence);
      }),
      { numRuns: device === 'cpu' ? 30 : 15 },
    );
  });

  test('that grow long stay whole', async () => {
    const { sequences, executable } = await setUp(device);
    const sequence = sequences.create();
    const positions: Position[] = [];
    for (let i = 0; i < 70; i++) {
      const added: Position[] = Array.from({ length: 1 + (i % 9) }, (_, k) => [i % 7, k]);
      const [row] = await executable.extend([{ sequence, inputs: x(...added) }]);
      expect(row).toEqual(oracle(positions));
      positions.push(...added);
    }
  });

  test('leave nothing behind', async () => {
    const { sequences, executable } = await setUp(device);
    await executable.extend([{ sequence: sequences.create(), inputs: x([1, 2]) }]);
    const before = tf.memory().numTensors;
    const sequence = sequences.create();
    await executable.extend([{ sequence, inputs: x([1, 2], [3, 4]) }]);
    const fork = sequences.fork(sequence);
    await executable.extend([
      { sequence, inputs: x([5, 6]) },
      { sequence: fork, inputs: x([7, 8]) },
    ]);
    for (const each of [fork, sequence]) sequences.drop(each);
    sequences.drop(sequence);
    expect(tf.memory().numTensors).toBe(before);
    await sequences.release();
    await sequences.release();
    expect(tf.memory().numTensors).toBe(device === 'cpu' ? before : before - 3);
    expect(() => sequences.create()).toThrow(/released/);
  });

  test('of one signal listen to it together, as long as there is one', async () => {
    const { signal } = new AbortController();
    const sequences = await createSequences(layout, { device: 'reference' });
    const many = Array.from({ length: 20 }, () => sequences.create({ signal }));
    many.push(sequences.fork(many[0]!));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const sequence of many.slice(1)) sequences.drop(sequence);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    sequences.drop(many[0]!);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    sequences.create({ signal });
    await sequences.release();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  test('that a signal aborts are dropped, with their forks', async () => {
    const { sequences, executable } = await setUp(device);
    const controller = new AbortController();
    const sequence = sequences.create({ signal: controller.signal });
    await executable.extend([{ sequence, inputs: x([1, 2]) }]);
    const fork = sequences.fork(sequence);
    const other = sequences.create();
    controller.abort();
    for (const gone of [sequence, fork]) {
      const call = executable.extend([{ sequence: gone, inputs: x([1, 2]) }]);
      await expect(call).rejects.toMatchObject({ code: 'released', message: expect.stringMatching(/was dropped/) });
      expect(() => sequences.fork(gone)).toThrow(/was dropped/);
    }
    expect(() => sequences.create({ signal: controller.signal })).toThrow(/abort/i);
    await expect(executable.extend([{ sequence: other, inputs: x([1, 2]) }])).resolves.toHaveLength(1);
  });

  test('may take so much memory and no more; a refusal changes nothing', async () => {
    // 64 positions of 13 bytes.
    const { sequences, executable } = await setUp(device, { maxBytes: 64 * 13 });
    const many: Position[] = Array.from({ length: 48 }, (_, i) => [i, 1]);
    const [first, second] = [sequences.create(), sequences.create()];
    await executable.extend([{ sequence: first, inputs: x(...many) }]);
    const refused = executable.extend([{ sequence: second, inputs: x(...many) }]);
    await expect(refused).rejects.toMatchObject({ code: 'memory-full', message: expect.stringMatching(/Drop some/) });
    expect([first.length, second.length]).toEqual([48, 0]);
    await executable.extend([{ sequence: second, inputs: x([1, 1]) }]);
    sequences.drop(first);
    const [row] = await executable.extend([{ sequence: second, inputs: x(...many.slice(0, 15)) }]);
    expect(row).toEqual(oracle([[1, 1]]));
  });

  test('are refused where a call makes no sense', async () => {
    const { sequences, executable } = await setUp(device);
    const sequence = sequences.create();
    const refused = async (call: Promise<unknown>, message: RegExp) =>
      expect(call).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) });
    const row = { sequence, inputs: x([1, 2]) };
    await refused(executable.extend([row, row]), /twice among the rows of one call; fork it first/);
    await refused(
      executable.extend([{ sequence, inputs: {} }]),
      /"x" of toy must be float32 \[1, length, 2\], got nothing/,
    );
    await refused(executable.extend([{ sequence, inputs: { x: floats(1, 2) } }]), /got float32 \[1, 2\]/);
    await refused(executable.run({ x: { ...x([1, 2])['x']!, shape: [1, 1, 2] } }), /use extend instead of run/);
    const first = executable.extend([row]);
    const second = executable.extend([row]);
    expect(() => sequences.fork(sequence)).toThrow(/being extended by another call/);
    await refused(second, /being extended by another call/);
    await first;
    expect(await executable.extend([])).toEqual([]);
    const foreign = createSequences(layout, { device }).create();
    const call = executable.extend([{ sequence: foreign, inputs: x([1, 2]) }]);
    await expect(call).rejects.toThrow(/belongs to other sequences/);
  });
});

test('programs that cannot extend sequences are refused', async () => {
  const refused = async (spec: CompileSpec, message: RegExp, body = program, device: Device = 'cpu') => {
    const call = async () => {
      const executable = await compile(body, spec, { device, name: 'toy' });
      open.push(executable);
      await executable.extend([{ sequence: (spec.sequences ?? createSequences(layout)).create(), inputs: x([1, 2]) }]);
    };
    await expect(call()).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) });
  };
  const inputs = { x: { dtype: 'float32', shape: ['batch', 'length', 2] } } as const;
  await refused({ inputs }, /compiled without; use run/);
  for (const device of devices) {
    const sequences = createSequences(layout, { device });
    const other = device === 'cpu' ? 'reference' : 'cpu';
    await refused({ inputs, sequences }, /are for another device/, program, other);
    const forgetful: typeof program = args => ({ outputs: { pair: program(args).outputs['pair']! } });
    await refused({ inputs, sequences }, /adds to "product" as int32 \[batch, \d+\].*got nothing/, forgetful, device);
  }
  const sequences = createSequences(layout);
  await refused({ inputs: { ...inputs, pair: inputs.x }, sequences }, /has an input "pair" of its own/);
  await refused({ inputs: { x: { dtype: 'float32', shape: ['length', 2] } }, sequences }, /must be 'batch'/);
  const positions = 'length';
  const another = { ...inputs, y: { dtype: 'int32', shape: ['batch'] } } as const;
  await refused({ inputs: another, sequences, positions }, /second dimension of its input "y"/);
  await refused({ inputs, sequences, state: { s: floats(1) } }, /has state/);
  expect(() => createSequences(layout, { maxBytes: 0 })).toThrow(/maxBytes must be a positive number/);
});

describe('in the inference process', () => {
  test('what grows does not travel', async () => {
    const { sequences, executable } = await setUp('cpu');
    const sequence = sequences.create();
    await executable.extend([{ sequence, inputs: x(...Array.from({ length: 100 }, (): Position => [1, 1])) }]);
    const sent: number[] = [];
    const send = sessionHost.send.bind(sessionHost);
    vi.spyOn(sessionHost, 'send').mockImplementation(async (request, signal) => {
      const bytes = (tensors: object) =>
        Object.values(tensors as Record<string, HostTensor>).reduce((sum, { data }) => sum + data.byteLength, 0);
      const reply = await send(request, signal);
      sent.push('tensors' in request ? bytes(request.tensors) : 0, bytes(reply));
      return reply;
    });
    await executable.extend([{ sequence, inputs: x([1, 1]) }]);
    // A position goes out; ordered, products, positives and the number of positions come back.
    expect(sent).toEqual([8, 8 + 4 + 4 + 4]);
  });

  const ends: [string, () => Promise<unknown>][] = [
    ['is ended', () => sessionHost.terminate()],
    [
      'dies',
      () => {
        const died = new Promise<void>(resolve => {
          const stop = sessionHost.onDeath(() => {
            stop();
            resolve();
          });
        });
        process.kill(sessionHost.status.pid!, 'SIGKILL');
        return died;
      },
    ],
  ];
  test.each(ends)('they outlive it when it %s: they are computed again', async (_, end) => {
    const { sequences, executable } = await setUp('cpu');
    const [sequence, empty] = [sequences.create(), sequences.create()];
    const row = x([1, 2], [3, 4]);
    await executable.extend([{ sequence, inputs: row }]);
    row['x']!.data.fill(99); // a caller may use its tensors again
    await executable.extend([{ sequence, inputs: x([5, 6]) }]);
    const fork = sequences.fork(sequence);
    await executable.extend([{ sequence: fork, inputs: x([7, 8]) }]);
    await end();
    const late = sequences.fork(fork);
    const rows = [sequence, fork, late, empty].map(each => ({ sequence: each, inputs: x([9, 9]) }));
    const common: Position[] = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    const longer: Position[] = [...common, [7, 8]];
    expect(await executable.extend(rows)).toEqual([oracle(common), oracle(longer), oracle(longer), oracle([])]);
    expect(sequence.length).toBe(4);
  });

  test('what it lost is computed again in few calls if the program says that it may', async () => {
    const { sequences, executable } = await setUp('cpu', { positions: 'length' });
    const common = sequences.create();
    const extend = (sequence: Sequence, ...positions: Position[]) =>
      executable.extend([{ sequence, inputs: x(...positions) }]);
    for (let i = 0; i < 300; i++) await extend(common, [i, 1]);
    const fork = sequences.fork(common);
    for (let i = 0; i < 5; i++) await extend(common, [i, 2]);
    for (let i = 0; i < 6; i++) await extend(fork, [i, 3]);
    await sessionHost.terminate();
    const send = vi.spyOn(sessionHost, 'send');
    const list = (first: number, value: number) => Array.from({ length: first }, (_, i): Position => [i, value]);
    expect(await extend(common, [9, 9])).toEqual([oracle([...list(300, 1), ...list(5, 2)])]);
    expect(await extend(fork, [9, 9])).toEqual([oracle([...list(300, 1), ...list(6, 3)])]);
    // The common beginning in two, then both that go on from it.
    const restored = send.mock.calls.flatMap(([request]) =>
      request.kind === 'restore' ? [request.tensors['inputs/x']!.shape[1]] : [],
    );
    expect(restored).toEqual([256, 44, 5, 6]);
  });

  test('they go on, fork and are dropped as lists do however often it ends', async () => {
    const step = fc.record({
      end: fc.boolean(),
      extend: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      added: fc.integer({ min: 1, max: 3 }),
      fork: fc.option(fc.nat()),
      drop: fc.option(fc.nat()),
    });
    const steps = fc.array(step, { minLength: 4, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(steps, fc.boolean(), async (steps, isJoinable) => {
        const { sequences, executable } = await setUp('cpu', isJoinable ? { positions: 'length' } : {});
        const lists = new Map<Sequence, Position[]>([[sequences.create(), []]]);
        const pick = (index: number) => [...lists.keys()][index % lists.size]!;
        for (const [index, { end, extend, added, fork, drop }] of steps.entries()) {
          if (lists.size === 0) lists.set(sequences.create(), []);
          if (end && index % 3 === 2) await sessionHost.terminate();
          if (fork !== null) lists.set(sequences.fork(pick(fork)), [...lists.get(pick(fork))!]);
          const chosen = [...new Set(extend.map(pick))];
          const positions = Array.from({ length: added }, (_, k): Position => [index, k]);
          const results = await executable.extend(chosen.map(sequence => ({ sequence, inputs: x(...positions) })));
          for (const [row, sequence] of chosen.entries()) {
            expect(results[row]).toEqual(oracle(lists.get(sequence)!));
            lists.get(sequence)!.push(...positions);
          }
          if (drop === null) continue;
          const gone = pick(drop);
          sequences.drop(gone);
          lists.delete(gone);
        }
        for (const sequence of lists.keys()) sequences.drop(sequence);
      }),
      { numRuns: 6 },
    );
  });

  test('what they have in common is held once, also when they were computed again', async () => {
    // Room for 640 positions as a segment and once more as inputs of a call, and for little beside.
    const { sequences, executable } = await setUp('cpu', { maxBytes: (640 + 704 + 80) * 13 });
    const common: Position[] = Array.from({ length: 640 }, () => [1, 1]);
    const all = [sequences.create()];
    await executable.extend([{ sequence: all[0]!, inputs: x(...common) }]);
    all.push(sequences.fork(all[0]!), sequences.fork(all[0]!));
    for (const sequence of all) await executable.extend([{ sequence, inputs: x([1, 1]) }]);
    await sessionHost.terminate();
    for (const sequence of all) {
      expect(await executable.extend([{ sequence, inputs: x([2, 2]) }])).toEqual([oracle([...common, [1, 1]])]);
    }
  });

  test('one that is dropped while it is computed again leaves nothing behind', async () => {
    const { sequences, executable } = await setUp('cpu', { maxBytes: 79 * 13 });
    const many = x(...Array.from({ length: 64 }, (): Position => [1, 1]));
    const controller = new AbortController();
    const dropped = sequences.create({ signal: controller.signal });
    await executable.extend([{ sequence: dropped, inputs: many }]);
    await sessionHost.terminate();
    const send = sessionHost.send.bind(sessionHost);
    vi.spyOn(sessionHost, 'send').mockImplementation((request, signal) => {
      if (request.kind === 'restore') controller.abort();
      return send(request, signal);
    });
    await executable.extend([{ sequence: dropped, inputs: x([1, 1]) }]);
    expect(controller.signal.aborted).toBe(true);
    await executable.extend([{ sequence: sequences.create(), inputs: many }]);
  });

  test('those of a program that was released cannot be computed again, and say so', async () => {
    const { sequences, executable } = await setUp('cpu');
    const inputs = { x: { dtype: 'float32', shape: ['batch', 'length', 2] } } as const;
    const other = await compile(program, { inputs, sequences }, { name: 'other', threads: 1 });
    const sequence = sequences.create();
    await other.extend([{ sequence, inputs: x([1, 2]) }]);
    await other.release();
    await executable.extend([{ sequence, inputs: x([3, 4]) }]);
    await sessionHost.terminate();
    const call = executable.extend([{ sequence, inputs: x([5, 6]) }]);
    await expect(call).rejects.toMatchObject({
      code: 'released',
      message: expect.stringMatching(/^other was released/),
    });
  });

  test('a call for which there is no room side by side is made in halves', async () => {
    // Each has 64 positions; two side by side take 128 more.
    const { sequences, executable } = await setUp('cpu', { maxBytes: (4 * 80 + 2 * 64) * 13 });
    const many = [1, 2, 3, 4].map(i => Array.from({ length: 64 }, (_, k): Position => [k, i]));
    const all = many.map(() => sequences.create());
    for (const [row, sequence] of all.entries()) {
      await executable.extend([{ sequence, inputs: x(...many[row]!.slice(0, 63)) }]);
    }
    const send = vi.spyOn(sessionHost, 'send');
    const rows = all.map((sequence, row) => ({ sequence, inputs: x(many[row]!.at(-1)!) }));
    expect(await executable.extend(rows)).toEqual(many.map(positions => oracle(positions.slice(0, 63))));
    expect(send.mock.calls.map(([request]) => 'sequences' in request && request.sequences.length)).toEqual([4, 2, 2]);
  });

  test('all without a limit of their own share one', async () => {
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(4096);
    const eager = createSequences(layout, { device: 'reference' });
    const inputs = { x: { dtype: 'float32', shape: ['batch', 'length', 2] } } as const;
    const executable = await compile(program, { inputs, sequences: eager }, { device: 'reference', name: 'toy' });
    open.push(executable, eager);
    const call = executable.extend([
      { sequence: eager.create(), inputs: x(...Array.from({ length: 80 }, (): Position => [1, 1])) },
    ]);
    await expect(call).rejects.toMatchObject({ code: 'memory-full' });
  });

  test('a call that is aborted before its turn leaves the others right', async () => {
    const { sequences, executable } = await setUp('cpu');
    const controller = new AbortController();
    const [one, other] = [sequences.create({ signal: controller.signal }), sequences.create()];
    await executable.extend([one, other].map(sequence => ({ sequence, inputs: x([1, 2]) })));
    const fork = sequences.fork(other);
    // The fork is told to the process with the first call that follows, which is the one that is aborted.
    const aborted = executable.extend([{ sequence: one, inputs: x([3, 4]) }], { signal: controller.signal });
    const going = executable.extend([{ sequence: fork, inputs: x([5, 6]) }]);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    expect(await going).toEqual([oracle([[1, 2]])]);
    const rows = await executable.extend([other, fork].map(sequence => ({ sequence, inputs: x([7, 8]) })));
    expect(rows).toEqual([
      oracle([[1, 2]]),
      oracle([
        [1, 2],
        [5, 6],
      ]),
    ]);
  });

  test('one that is aborted in the middle of a call is as long as before', async () => {
    const { sequences, executable } = await setUp('cpu');
    const [sequence, fresh] = [sequences.create(), sequences.create()];
    await executable.extend([{ sequence, inputs: x([1, 2]) }]);
    const controller = new AbortController();
    const rows = [sequence, fresh].map(each => ({ sequence: each, inputs: x([3, 4]) }));
    const aborted = executable.extend(rows, { signal: controller.signal });
    const send = sessionHost.send.bind(sessionHost);
    vi.spyOn(sessionHost, 'send').mockImplementation((request, signal) => {
      const reply = send(request, signal);
      if (request.kind === 'extend' && signal === controller.signal) controller.abort(new Error('enough'));
      return reply;
    });
    await expect(aborted).rejects.toThrow('enough');
    const again = await executable.extend([sequence, fresh].map(each => ({ sequence: each, inputs: x([5, 6]) })));
    expect(again).toEqual([oracle([[1, 2]]), oracle([])]);
  });
});

describe('while they live', () => {
  afterEach(() => sessionHost.setMaxMemory(undefined));

  const endless: Program<unknown, unknown> = ({ inputs }) => {
    let y: tf.Tensor = inputs['x']!;
    for (let i = 0; i < 2000; i++) y = y.matMul(inputs['x']!).mul(0.01);
    return { outputs: { y: y.sum() } };
  };
  const square = { dtype: 'float32', shape: [1024, 1024], data: new Float32Array(1024 * 1024).fill(0.5) } as const;

  test('a run of minutes that nobody needs is ended, and calls that wait behind it are made', async () => {
    const { sequences, executable } = await setUp('cpu');
    const sequence = sequences.create();
    const positions: Position[] = [];
    const extend = async (): Promise<void> => {
      expect(await executable.extend([{ sequence, inputs: x([positions.length, 1]) }])).toEqual([oracle(positions)]);
      positions.push([positions.length, 1]);
    };
    await extend();
    const slow = await compile(endless, { inputs: { x: { dtype: 'float32', shape: [1024, 1024] } } }, { threads: 1 });
    open.push(slow);
    const { replacements } = sessionHost.status;
    // A cancellation that comes before the run's turn leaves nothing to be ended: then once more.
    while (sessionHost.status.replacements === replacements) {
      const controller = new AbortController();
      const abandoned = slow.run({ x: square }, { signal: controller.signal });
      abandoned.catch(() => {});
      const waiting = extend();
      await new Promise(resolve => setTimeout(resolve, 20));
      controller.abort(new Error('enough'));
      await expect(abandoned).rejects.toThrow('enough');
      await waiting;
    }
    await extend();
  });

  test('a process over its memory ceiling is replaced, and they go on in the next', async () => {
    await sessionHost.terminate();
    const { sequences, executable } = await setUp('cpu');
    const sum = await compile(
      ({ inputs }) => ({ outputs: { y: inputs['x']!.mul(2).sum(1) } }),
      { inputs: { x: { dtype: 'float32', shape: ['batch', 256] } } },
      { name: 'sum', threads: 1 },
    );
    open.push(sum);
    const rows = (count: number) =>
      sum.run({ x: { dtype: 'float32', shape: [count, 256], data: new Float32Array(count * 256) } });
    const sequence = sequences.create();
    await executable.extend([{ sequence, inputs: x([1, 2]) }]);
    for (let i = 0; i < 40; i++) await rows(1);
    const { pid } = sessionHost.status;
    sessionHost.setMaxMemory(2 ** 20);
    // Its size is measured a few times a second.
    while (sessionHost.status.pid === pid) await rows(200_000);
    expect(await executable.extend([{ sequence, inputs: x([3, 4]) }])).toEqual([oracle([[1, 2]])]);
    expect(sessionHost.status.pid).not.toBe(pid);
  });

  test('they may not grow over the memory ceiling', async () => {
    await sessionHost.terminate();
    const { sequences, executable } = await setUp('cpu');
    const [small, large] = [sequences.create(), sequences.create()];
    await executable.extend([{ sequence: small, inputs: x([1, 2]) }]);
    const { residentBytes, deaths } = sessionHost.status;
    sessionHost.setMaxMemory(1.25 * residentBytes! + 16 * 2 ** 20);
    const positions = 2 ** 17; // of 13 bytes
    const many = { x: { dtype: 'float32', shape: [positions, 2], data: new Float32Array(2 * positions) } } as const;
    const fill = async () => {
      for (let i = 0; i < 1000; i++) await executable.extend([{ sequence: large, inputs: many }]);
    };
    await expect(fill()).rejects.toMatchObject({
      code: 'memory-full',
      message: expect.stringMatching(/need \d+ MiB more, .* has \d+ MiB of the \d+ MiB .*\(--max-memory\)/),
    });
    expect(sessionHost.status.deaths).toBe(deaths);
    expect(await executable.extend([{ sequence: small, inputs: x([3, 4]) }])).toEqual([oracle([[1, 2]])]);
    sequences.drop(large);
    const next = sequences.create();
    await executable.extend([{ sequence: next, inputs: many }]);
  });
});
