import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { AbortGroups } from './abort-groups.ts';

function setUp() {
  const aborted: [string, unknown][] = [];
  return { groups: new AbortGroups<string>((member, reason) => aborted.push([member, reason])), aborted };
}

describe('members of a signal', () => {
  test('share one listener, and are told its reason', () => {
    const { groups, aborted } = setUp();
    const controller = new AbortController();
    for (const member of ['a', 'b', 'c']) groups.add(controller.signal, member);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
    groups.delete(controller.signal, 'b');
    controller.abort('enough');
    expect(aborted).toEqual([
      ['a', 'enough'],
      ['c', 'enough'],
    ]);
  });

  test('leave no listener behind when the last of them goes', () => {
    const { groups } = setUp();
    const { signal } = new AbortController();
    groups.add(signal, 'a');
    groups.delete(signal, 'a');
    groups.delete(signal, 'a');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    groups.add(signal, 'b');
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });

  test('need no signal', () => {
    const { groups } = setUp();
    groups.add(undefined, 'a');
    groups.delete(undefined, 'a');
  });
});
