import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventReader } from './sse.ts';

const stream = [
  ': a comment\n\n',
  'id: 1\nevent: queued\ndata: {"position":2}\n\n',
  'event: text\r\ndata: one\r\ndata: two\r\n\r\n',
  'data:no space\n\n',
  'id: 4\nevent: cancelled\ndata: {}\n\n',
].join('');

const events = [
  { event: 'queued', data: '{"position":2}', id: '1' },
  { event: 'text', data: 'one\ntwo', id: '1' },
  { event: 'message', data: 'no space', id: '1' },
  { event: 'cancelled', data: '{}', id: '4' },
];

describe('eventReader', () => {
  it('reads names, ids and data of several lines', () => {
    expect(eventReader()(stream)).toEqual(events);
  });

  it('gives the same events wherever the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), cuts => {
        const read = eventReader();
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const found = places.flatMap((place, index) =>
          index === 0 ? [] : read(stream.slice(places[index - 1], place)),
        );
        expect(found).toEqual(events);
      }),
    );
  });

  it('holds back an event that has not ended', () => {
    const read = eventReader();
    expect(read('event: started\ndata: {}\n')).toEqual([]);
    expect(read('\n')).toEqual([{ event: 'started', data: '{}', id: '' }]);
  });
});
