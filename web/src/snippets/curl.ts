/** Requests as curl commands for a POSIX shell. */
import type { Described, Writer } from './describe.ts';

/** Quotes a text with the single quotes of a POSIX shell. */
const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

const json = (value: unknown) => JSON.stringify(value, null, 2);

function curlJson(url: string, body: unknown): string {
  return `curl ${url} \\\n  -H 'content-type: application/json' \\\n  -d ${shell(json(body))}`;
}

function curlForm(url: string, { known, own, files }: Described): string {
  const parts = [
    ...Object.entries(files).map(([name, file]) => `-F ${shell(`${name}=@${file}`)}`),
    ...Object.entries({ ...known, ...own }).map(([name, value]) => `--form-string ${shell(`${name}=${value}`)}`),
  ];
  return [`curl ${url}`, ...parts].join(' \\\n  ');
}

export const curl: Writer = {
  generations: ({ known, own }, origin) => curlJson(`${origin}/v1/images/generations`, { ...known, ...own }),
  variations: (request, origin) => curlForm(`${origin}/v1/images/variations`, request),
  edits: (request, origin) => curlForm(`${origin}/v1/images/edits`, request),
  chat: ({ known, own }, origin) => {
    const part = { type: 'image_url', image_url: { url: 'data:image/png;base64,IMAGE' } };
    const body = json({ ...known, messages: [{ role: 'user', content: [part] }], ...own });
    const filled = shell(body).replace('IMAGE', `'"$(base64 < image.png | tr -d '\\n')"'`);
    return `curl ${origin}/v1/chat/completions \\\n  -H 'content-type: application/json' \\\n  -d ${filled}`;
  },
  dialogue: ({ known, own, said }, origin) =>
    curlJson(`${origin}/v1/chat/completions`, { ...known, messages: [{ role: 'user', content: said }], ...own }),
  jobs: (request, origin) => {
    const url = `${origin}/v1/jobs`;
    const start = Object.keys(request.files).length > 0 ? curlForm(url, request) : curlJson(url, request.own);
    return `${start}\n\n# The answer names the job: follow it to its result with\ncurl -N ${origin}/v1/jobs/ID/events`;
  },
};
