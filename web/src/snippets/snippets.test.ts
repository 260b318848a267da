import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobBody } from '../form.ts';
import { snippets } from './index.ts';

const place = { origin: 'http://127.0.0.1:7860', model: 'emoji' };
const picture = 'data:image/png;base64,AA==';
const bodies: Record<string, JobBody> = {
  t2i: {
    mode: 't2i',
    prompt: 'an apple',
    n: 2,
    seed: 7,
    steps: 10,
    guidance: 4,
    negative_prompt: 'red',
    preview_every: 2,
  },
  i2t: { mode: 'i2t', image: picture, n: 3, seed: 7, steps: 10 },
  joint: { mode: 'joint', n: 2, preview_every: 2 },
  i: { mode: 'i', n: 1 },
  t: { mode: 't', n: 4 },
  i2t2i: { mode: 'i2t2i', image: picture, n: 2, seed: 1 },
  t2i2t: { mode: 't2i2t', prompt: 'a dog', n: 2 },
  gibbs: { mode: 'gibbs', prompt: 'a dog', rounds: 3 },
  interpolate: { mode: 'interpolate', image: picture, image2: picture, frames: 5 },
  inpaint: { mode: 'inpaint', image: picture, mask: picture, prompt: 'a cat', n: 1 },
};
const codeOf = (body: JobBody, language: string) =>
  snippets(body, place).find(found => found.language === language)!.code;

describe('snippets', () => {
  it.each(Object.values(bodies))('of $mode never contain a picture or a preview setting', body => {
    for (const { code } of snippets(body, place)) {
      expect(code).not.toContain('AA==');
      expect(code).not.toContain('preview_every');
      expect(code).toContain(place.origin);
    }
  });

  it('send a form as the OpenAI route has it', () => {
    expect(codeOf(bodies['t2i']!, 'curl')).toMatchInlineSnapshot(`
      "curl http://127.0.0.1:7860/v1/images/generations \\
        -H 'content-type: application/json' \\
        -d '{
        "model": "emoji",
        "prompt": "an apple",
        "n": 2,
        "seed": 7,
        "num_inference_steps": 10,
        "guidance_scale": 4,
        "negative_prompt": "red"
      }'"
    `);
    expect(codeOf(bodies['t2i']!, 'Python')).toMatchInlineSnapshot(`
      "import base64
      from openai import OpenAI

      client = OpenAI(base_url="http://127.0.0.1:7860/v1", api_key="any")
      result = client.images.generate(
          model="emoji",
          prompt="an apple",
          n=2,
          response_format="b64_json",
          extra_body={"seed": 7, "num_inference_steps": 10, "guidance_scale": 4, "negative_prompt": "red"},
      )
      for index, image in enumerate(result.data):
          open(f"{index}.png", "wb").write(base64.b64decode(image.b64_json))
      "
    `);
    expect(codeOf(bodies['t2i']!, 'TypeScript')).toMatchInlineSnapshot(`
      "import { writeFileSync } from 'node:fs';
      import OpenAI from 'openai';

      const client = new OpenAI({ baseURL: 'http://127.0.0.1:7860/v1', apiKey: 'any' });
      const result = await client.images.generate({
        model: 'emoji',
        prompt: 'an apple',
        n: 2,
        response_format: 'b64_json',
        ...{ seed: 7, num_inference_steps: 10, guidance_scale: 4, negative_prompt: 'red' }, // Duet's own settings
      });
      for (const [index, image] of (result.data ?? []).entries()) {
        writeFileSync(\`\${index}.png\`, Buffer.from(image.b64_json ?? '', 'base64'));
      }
      "
    `);
  });

  it('go to the route of each mode', () => {
    const routes = Object.fromEntries(
      Object.entries(bodies).map(([mode, body]) => [mode, /v1\/[a-z/]+/.exec(codeOf(body, 'curl'))?.[0]]),
    );
    expect(routes).toEqual({
      t2i: 'v1/images/generations',
      i: 'v1/images/generations',
      joint: 'v1/images/generations',
      i2t: 'v1/chat/completions',
      i2t2i: 'v1/images/variations',
      inpaint: 'v1/images/edits',
      t: 'v1/jobs',
      t2i2t: 'v1/jobs',
      gibbs: 'v1/jobs',
      interpolate: 'v1/jobs',
    });
    expect(codeOf({ mode: 'inpaint', prompt: 'a _', n: 1 }, 'curl')).toContain('/v1/jobs');
    expect(codeOf({ ...bodies['i2t2i']!, prompt: 'a cat' }, 'curl')).toContain('/v1/jobs');
    expect(codeOf({ mode: 'i2i', image: picture, prompt: 'a cat', tiled: true }, 'Python')).toContain('"tiled": True');
  });

  it('say to a model that converses what is being written', () => {
    const talking = { ...place, said: 'what\'s "this"?' };
    const body: JobBody = { mode: 'chat', temperature: 0.5, stop: ['END'], steps: 5, preview_every: 2 };
    const [curl, python, typescript] = snippets(body, talking).map(({ code }) => code);
    const printed = execFileSync('sh', ['-c', curl!.replace(/^curl/, "printf '%s\\n'")], { encoding: 'utf8' });
    expect(JSON.parse(printed.slice(printed.indexOf('\n{\n') + 1))).toEqual({
      model: 'emoji',
      temperature: 0.5,
      stop: ['END'],
      messages: [{ role: 'user', content: talking.said }],
      steps: 5,
    });
    expect(python).toContain('messages=[{"role": "user", "content": "what\'s \\"this\\"?"}]');
    expect(python).toContain('extra_body={"steps": 5}');
    expect(typescript).toContain(`content: 'what\\'s "this"?'`);
    expect(typescript).toContain("stop: ['END']");
    const described = snippets(bodies['i2t']!, talking)[0]!.code;
    expect(described).toContain('/v1/jobs');
  });

  it('print the captions of pairs', () => {
    expect(codeOf(bodies['joint']!, 'Python')).toContain('revised_prompt');
    expect(codeOf(bodies['i']!, 'Python')).not.toContain('revised_prompt');
  });

  it('quote any caption for a shell', () => {
    const text = fc.string({ unit: fc.constantFrom('a', "'", '"', '\\', '$', '`', '\n', ' ', '猫') });
    fc.assert(
      fc.property(text, prompt => {
        const command = codeOf({ mode: 't2i', prompt }, 'curl').replace(/^curl/, "printf '%s\\n'");
        const printed = execFileSync('sh', ['-c', command], { encoding: 'utf8' });
        const sent: unknown = JSON.parse(printed.slice(printed.indexOf('\n{\n') + 1));
        expect(sent).toMatchObject({ prompt });
      }),
      { numRuns: 25 },
    );
  });

  it('quote any caption for TypeScript', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), prompt => {
        const literal = /prompt: ('[\s\S]*'),\n {2}response_format/.exec(
          codeOf({ mode: 't2i', prompt }, 'TypeScript'),
        )?.[1];
        expect(new Function(`return ${literal}`)()).toBe(prompt);
      }),
    );
  });
});
