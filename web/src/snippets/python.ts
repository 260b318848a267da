/** Requests as Python, with the openai package. */
import type { Described, Fields, Writer } from './describe.ts';

/** JSON's strings and numbers are Python's too. */
const literal = (value: unknown) => (typeof value === 'boolean' ? (value ? 'True' : 'False') : JSON.stringify(value));

function pythonArguments(fields: Fields, own: Fields, extra: readonly string[] = []): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}=${literal(value)}`);
  const body = Object.entries(own).map(([name, value]) => `${literal(name)}: ${literal(value)}`);
  if (body.length > 0) lines.push(`extra_body={${body.join(', ')}}`);
  return [...extra, ...lines].map(line => `    ${line},\n`).join('');
}

const pythonHead = (origin: string, imports: readonly string[]) =>
  `${[...imports, 'from openai import OpenAI'].join('\n')}\n\nclient = OpenAI(base_url="${origin}/v1", api_key="any")\n`;

function pythonPictures({ pairs }: Described): string {
  const save = `    open(f"{index}.png", "wb").write(base64.b64decode(image.b64_json))\n`;
  return `for index, image in enumerate(result.data):\n${save}${pairs ? '    print(index, image.revised_prompt)\n' : ''}`;
}

function pythonImages(method: string, request: Described, origin: string): string {
  const opened = Object.entries(request.files).map(([name, file]) => `${name}=open("${file}", "rb")`);
  const fields = pythonArguments({ ...request.known, response_format: 'b64_json' }, request.own, opened);
  return `${pythonHead(origin, ['import base64'])}result = client.images.${method}(\n${fields})\n${pythonPictures(request)}`;
}

export const python: Writer = {
  generations: (request, origin) => pythonImages('generate', request, origin),
  variations: (request, origin) => pythonImages('create_variation', request, origin),
  edits: (request, origin) => pythonImages('edit', request, origin),
  chat: ({ known, own }, origin) => {
    const part = `{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}`;
    const fields = pythonArguments(known, own, [`messages=[{"role": "user", "content": [${part}]}]`]);
    return (
      `${pythonHead(origin, ['import base64'])}picture = base64.b64encode(open("image.png", "rb").read()).decode()\n` +
      `result = client.chat.completions.create(\n${fields})\n` +
      `for choice in result.choices:\n    print(choice.message.content)\n`
    );
  },
  dialogue: ({ known, own, said }, origin) => {
    const fields = pythonArguments(known, own, [`messages=[{"role": "user", "content": ${literal(said)}}]`]);
    return (
      `${pythonHead(origin, ['import base64'])}result = client.chat.completions.create(\n${fields})\n` +
      `message = result.choices[0].message\nprint(message.content)\n` +
      `for index, image in enumerate((message.model_extra or {}).get("images", [])):\n` +
      `    data = image["image_url"]["url"].split(",")[1]\n` +
      `    open(f"{index}.png", "wb").write(base64.b64decode(data))\n`
    );
  },
  jobs: ({ own, files }, origin) => {
    const names = Object.keys(files);
    const head = pythonHead(origin, names.length > 0 ? ['import base64', 'import time'] : ['import time']);
    const fields = [
      ...Object.entries(own).map(([name, value]) => `${literal(name)}: ${literal(value)}`),
      ...names.map(name => `${literal(name)}: base64.b64encode(open("${files[name]}", "rb").read()).decode()`),
    ];
    return (
      `${head}job = client.post("/jobs", cast_to=object, body={\n${fields.map(line => `    ${line},\n`).join('')}})\n` +
      `while job["status"] in ("queued", "running"):\n    time.sleep(0.5)\n` +
      `    job = client.get(f"/jobs/{job['id']}", cast_to=object)\n` +
      `for sample in job["result"]["samples"]:\n    print(sample.get("caption"), sample.get("url"))\n`
    );
  },
};
