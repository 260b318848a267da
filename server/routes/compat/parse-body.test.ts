import fc from 'fast-check';
import Type, { type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import * as openai from '../../schemas/openai.ts';
import * as sdapi from '../../schemas/sdapi.ts';
import { fakeModel } from '../../testing/fake-model.ts';
import { bodyValidator } from './parse-body.ts';
import { WireFault } from './wire-fault.ts';

const schema = Type.Object({
  prompt: Type.String(),
  n: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
  scale: Type.Optional(Type.Number({ minimum: 0 })),
  stream: Type.Optional(Type.Boolean()),
  mode: Type.Optional(Type.Enum(['t2i', 'i'])),
  parts: Type.Optional(Type.Array(Type.Object({ text: Type.String() }))),
});
const parse = bodyValidator({ schema });

describe('bodyValidator', () => {
  it('passes unknown fields, drops null and reads the text of forms', () => {
    const body = { prompt: 'a', n: ' 2 ', scale: '1e1', stream: 'TRUE', mode: null, extra: null, other: [1] };
    expect(parse(body)).toEqual({ value: { prompt: 'a', n: 2, scale: 10, stream: true, other: [1] } });
    expect(parse({ prompt: '5', n: '' })).toEqual({ value: { prompt: '5' } });
  });

  it.each([
    [{}, 'prompt', 'missing_required_parameter', /Missing required parameter: 'prompt'/],
    [{ prompt: 'a', n: 11 }, 'n', 'invalid_value', /must be <= 10, got 11/],
    [{ prompt: 'a', n: 'NaN' }, 'n', 'invalid_value', /must be integer, got "NaN"/],
    [{ prompt: 'a', n: '1e999' }, 'n', 'invalid_value', /must be integer/],
    [{ prompt: 'a', scale: Number.NaN }, 'scale', 'invalid_value', /must be number/],
    [{ prompt: 'a', scale: '0x10' }, 'scale', 'invalid_value', /must be number/],
    [{ prompt: 'a', mode: 'x' }, 'mode', 'invalid_value', /must be one of "t2i", "i", got "x"/],
    [{ prompt: 'a', parts: [{ text: 1 }] }, 'parts[0].text', 'invalid_value', /must be string, got 1/],
    [{ prompt: new Uint8Array(9) }, 'prompt', 'invalid_value', /got a file/],
    [[], null, 'invalid_value', /must be an object/],
    ['x', null, 'invalid_value', /must be an object/],
  ])('refuses %j naming the field', (body, param, code, message) => {
    expect(parse(body)).toEqual({ error: expect.any(WireFault) });
    expect(parse(body)).toMatchObject({ error: { param, code, message: expect.stringMatching(message) } });
  });

  it('takes or refuses anything at all, and what it takes fits the schema', () => {
    const models = [fakeModel().info];
    const { generation, edit, chat } = openai.openaiBodies(models);
    const bodies = [generation, edit, chat];
    const a1111 = [sdapi.textToImageBody(models), sdapi.imageToImageBody(models), sdapi.OptionsBody];
    const schemas: TSchema[] = [...bodies, ...a1111];
    const value = fc.oneof(
      fc.anything(),
      fc.double(),
      fc.bigInt().map(String),
      fc.constantFrom(2 ** 53, -0, '∞', '-1'),
    );
    for (const wanted of schemas) {
      const parseBody = bodyValidator({ schema: wanted });
      const names = Object.keys((wanted as unknown as { properties: object }).properties);
      const body = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value, { maxKeys: 12 });
      fc.assert(
        fc.property(fc.oneof(body, fc.anything()), input => {
          const answer = parseBody(input);
          if ('error' in answer) {
            expect(answer.error).toBeInstanceOf(WireFault);
            expect(answer.error.message.length).toBeLessThan(400);
          } else {
            expect(Value.Check(wanted, answer.value)).toBe(true);
          }
        }),
        { numRuns: 300 },
      );
    }
  });
});
