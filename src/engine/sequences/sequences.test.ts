import { getEventListeners } from 'node:events';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { floats } from '../../../test/support/kernel-table.ts';
import {
  inputs,
  layout,
  opened,
  oracle,
  type Position,
  program,
  releaseAfterEach,
  setUp,
  x,
} from '../../../test/support/pair-sequences.ts';
import { type CompileSpec, compile, createSequences, type Device, type Sequence } from '../index.ts';

releaseAfterEach();

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
      opened(executable);
      await executable.extend([{ sequence: (spec.sequences ?? createSequences(layout)).create(), inputs: x([1, 2]) }]);
    };
    await expect(call()).rejects.toMatchObject({ code: 'invalid-argument', message: expect.stringMatching(message) });
  };
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
