import { describe, expect, it } from 'vitest';
import { readinessOf } from './readiness.ts';

describe('readinessOf', () => {
  it('is ready without objections', () => {
    expect(readinessOf([])).toEqual({ status: 'ready', reasons: [] });
    expect(readinessOf([{ status: 'full', objection: () => undefined }])).toEqual({ status: 'ready', reasons: [] });
  });

  it('tells every objection, and the first one as its status', () => {
    const checks = [
      { status: 'stopping', objection: () => undefined },
      { status: 'storage-full', objection: () => 'The disk is full' },
      { status: 'full', objection: () => '4 jobs are waiting' },
    ];
    expect(readinessOf(checks)).toEqual({
      status: 'storage-full',
      reasons: [
        { status: 'storage-full', message: 'The disk is full' },
        { status: 'full', message: '4 jobs are waiting' },
      ],
    });
  });
});
