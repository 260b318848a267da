/** Requests as TypeScript, with the openai package. */
import type { BodyValue } from '../form.ts';
import type { Described, Fields, Writer } from './describe.ts';

const literal = (value: unknown) => JSON.stringify(value);
const property = (name: string) => (/^[a-z_]\w*$/i.test(name) ? name : literal(name));
const quoted = (value: BodyValue): string =>
  typeof value !== 'string'
    ? typeof value === 'object'
      ? `[${value.map(quoted).join(', ')}]`
      : String(value)
    : `'${literal(value).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

function properties(fields: Fields): string {
  return Object.entries(fields)
    .map(([name, value]) => `  ${property(name)}: ${quoted(value)},\n`)
    .join('');
}

/** Duet's own properties of a request: the client sends fields that it does not know, but its types do not allow them. */
function ownProperties(own: Fields): string {
  if (Object.keys(own).length === 0) return '';
  const fields = Object.entries(own).map(([name, value]) => `${property(name)}: ${quoted(value)}`);
  return `  ...{ ${fields.join(', ')} }, // Duet's own settings\n`;
}

function typescriptHead(origin: string, files: readonly string[]): string {
  const imports = files.length > 0 ? [`import { ${files.join(', ')} } from 'node:fs';`] : [];
  return (
    `${[...imports, "import OpenAI from 'openai';"].join('\n')}\n\n` +
    `const client = new OpenAI({ baseURL: '${origin}/v1', apiKey: 'any' });\n`
  );
}

function typescriptImages(method: string, request: Described, origin: string): string {
  const opened = Object.entries(request.files).map(([name, file]) => `  ${name}: createReadStream('${file}'),\n`);
  const functions = [...(opened.length > 0 ? ['createReadStream'] : []), 'writeFileSync'];
  return (
    `${typescriptHead(origin, functions)}const result = await client.images.${method}({\n${opened.join('')}` +
    `${properties({ ...request.known, response_format: 'b64_json' })}${ownProperties(request.own)}});\n` +
    `for (const [index, image] of (result.data ?? []).entries()) {\n` +
    `  writeFileSync(\`\${index}.png\`, Buffer.from(image.b64_json ?? '', 'base64'));\n` +
    `${request.pairs ? '  console.log(index, image.revised_prompt);\n' : ''}}\n`
  );
}

export const typescript: Writer = {
  generations: (request, origin) => typescriptImages('generate', request, origin),
  variations: (request, origin) => typescriptImages('createVariation', request, origin),
  edits: (request, origin) => typescriptImages('edit', request, origin),
  chat: ({ known, own }, origin) =>
    `${typescriptHead(origin, ['readFileSync'])}const url = \`data:image/png;base64,\${readFileSync('image.png', 'base64')}\`;\n` +
    `const result = await client.chat.completions.create({\n` +
    `  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],\n` +
    `${properties(known)}${ownProperties(own)}});\n` +
    `for (const choice of result.choices) console.log(choice.message.content);\n`,
  dialogue: ({ known, own, said }, origin) =>
    `${typescriptHead(origin, ['writeFileSync'])}const result = await client.chat.completions.create({\n` +
    `  messages: [{ role: 'user', content: ${quoted(said)} }],\n${properties(known)}${ownProperties(own)}});\n` +
    `const message = result.choices[0]?.message;\nconsole.log(message?.content);\n` +
    `type Drawn = { images?: { image_url: { url: string } }[] }; // beside OpenAI's fields\n` +
    `for (const [index, image] of ((message as Drawn)?.images ?? []).entries()) {\n` +
    `  writeFileSync(\`\${index}.png\`, Buffer.from(image.image_url.url.split(',')[1] ?? '', 'base64'));\n}\n`,
  jobs: ({ own, files }, origin) => {
    const names = Object.keys(files);
    const read = names.map(name => `  ${name}: readFileSync('${files[name]}', 'base64'),\n`).join('');
    return (
      `${typescriptHead(origin, names.length > 0 ? ['readFileSync'] : [])}` +
      `type Sample = { caption?: string; url?: string };\n` +
      `type Job = { id: string; status: string; result?: { samples: Sample[] } };\n` +
      `let job: Job = await client.post('/jobs', { body: {\n${properties(own)}${read}} });\n` +
      `while (job.status === 'queued' || job.status === 'running') {\n` +
      `  await new Promise(resolve => setTimeout(resolve, 500));\n` +
      `  job = await client.get(\`/jobs/\${job.id}\`);\n}\n` +
      `for (const sample of job.result?.samples ?? []) console.log(sample.caption, sample.url);\n`
    );
  },
};
