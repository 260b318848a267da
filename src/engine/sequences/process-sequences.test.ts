import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
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
import type { HostTensor } from '../../core/host-tensor.ts';
import { compile, createSequences, type Sequence, sessionHost } from '../index.ts';

releaseAfterEach();

describe('sequences in the inference process', () => {
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
    const executable = await compile(program, { inputs, sequences: eager }, { device: 'reference', name: 'toy' });
    opened(executable, eager);
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
