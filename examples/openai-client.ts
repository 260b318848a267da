/**
 * Asks a running server through OpenAI's client, which does not know that it talks to Duet. `duet serve` in one terminal
 * (in a clone: `npm start`), `npx tsx examples/openai-client.ts` in another; an argument names another address.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import OpenAI from 'openai';

const [address = 'http://127.0.0.1:7860'] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: process.env['DUET_API_KEY'] ?? 'any' });

const { data: models } = await client.models.list();
console.log(models.map(({ id }) => id));

const { data: images = [] } = await client.images.generate({ model: 'emoji', prompt: 'two red hearts', n: 2 });
await mkdir('out', { recursive: true });
for (const [i, { b64_json: base64 = '' }] of images.entries()) {
  await writeFile(`out/openai-${i}.png`, Buffer.from(base64, 'base64'));
}

const url = `data:image/png;base64,${images[0]?.b64_json}`;
const { choices } = await client.chat.completions.create({
  model: 'emoji',
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
});
console.log(choices[0]?.message.content);
