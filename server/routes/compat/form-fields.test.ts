import { describe, expect, it } from 'vitest';
import { pathOfName, withField } from './form-fields.ts';

const bodyOf = (...fields: readonly (readonly [string, unknown])[]) =>
  fields.reduce<Readonly<Record<string, unknown>>>(
    (body, [name, value]) => withField(body, pathOfName(name), value),
    {},
  );

describe('the fields of a form', () => {
  const bytes = new Uint8Array([1]);

  it.each([
    ['one value', [['prompt', 'a']], { prompt: 'a' }],
    [
      'a name twice',
      [
        ['image', bytes],
        ['image', 'b'],
        ['image', 'c'],
      ],
      { image: [bytes, 'b', 'c'] },
    ],
    ['a list of one', [['image[]', bytes]], { image: [bytes] }],
    [
      'a list by number',
      [
        ['image[0]', 'a'],
        ['image[1]', 'b'],
      ],
      { image: ['a', 'b'] },
    ],
    [
      'a list and a value',
      [
        ['image', 'a'],
        ['image[]', 'b'],
      ],
      { image: ['a', 'b'] },
    ],
    [
      'an object',
      [
        ['mask[image_url]', 'a'],
        ['mask[detail]', 'low'],
      ],
      { mask: { image_url: 'a', detail: 'low' } },
    ],
    [
      'objects in a list',
      [
        ['images[][url]', 'a'],
        ['images[][url]', 'b'],
      ],
      { images: [{ url: 'a' }, { url: 'b' }] },
    ],
    [
      'one object in a list',
      [
        ['images[0][url]', 'a'],
        ['images[0][detail]', 'b'],
      ],
      { images: [{ url: 'a', detail: 'b' }] },
    ],
    [
      'a value and an object',
      [
        ['mask', bytes],
        ['mask[url]', 'a'],
      ],
      { mask: [bytes, { url: 'a' }] },
    ],
    [
      'names that are no paths',
      [
        ['a[', 1],
        ['[]', 2],
        ['a]b', 3],
      ],
      { 'a[': 1, '[]': 2, 'a]b': 3 },
    ],
    ['a path without end', [[`a${'[b]'.repeat(9)}`, 1]], { [`a${'[b]'.repeat(9)}`]: 1 }],
    ['a prototype within', [['a[__proto__]', 1]], { a: JSON.parse('{"__proto__":1}') }],
  ] as const)('%s', (_what, fields, body) => {
    expect(bodyOf(...fields)).toEqual(body);
    expect(({} as Record<string, unknown>)['1']).toBeUndefined();
  });
});
