/** The items of a request's input as a dialogue. */
import type { ResponseBody } from '../../../schemas/responses.ts';
import type { GivenMessage, GivenPart } from '../../compat/read-dialogue.ts';
import { WireFault } from '../../compat/wire-fault.ts';

type Fields = Readonly<Record<string, unknown>>;

const roles = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' } as const;
const allowedItems = 'message and image_generation_call';
const allowedParts = 'input_text, input_image and output_text';

/** @throws WireFault that names the place in `input` */
export function messagesOf({ input, instructions }: ResponseBody): readonly GivenMessage[] {
  const first: GivenMessage[] = instructions
    ? [{ role: 'system', content: [{ type: 'text', text: instructions }] }]
    : [];
  if (typeof input === 'string') return [...first, { role: 'user', content: [{ type: 'text', text: input }] }];
  return joinAnswers([...first, ...input.map((item, index) => itemOf(item, `input[${index}]`))]);
}

/** Words and pictures of one answer are items of their own. */
function joinAnswers(messages: readonly GivenMessage[]): readonly GivenMessage[] {
  const joined: GivenMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const goesOn = last?.role === 'assistant' && message.role === 'assistant';
    if (goesOn) joined[joined.length - 1] = { ...last, content: [...last.content, ...message.content] };
    else joined.push(message);
  }
  return joined;
}

function itemOf(item: Fields, name: string): GivenMessage {
  const { type = item['role'] === undefined ? undefined : 'message', result } = item;
  if (type === 'image_generation_call') {
    return { role: 'assistant', content: [{ type: 'image', field: `${name}.result`, value: result }] };
  }
  if (type === 'message') return { role: roleOf(item, name), content: contentOf(item['content'], name) };
  const why = type === 'item_reference' ? ' No items are kept here: send them whole.' : '';
  throw unsupported(`${name}.type`, type, allowedItems, why);
}

function roleOf({ role }: Fields, name: string): GivenMessage['role'] {
  if (typeof role === 'string' && Object.hasOwn(roles, role)) return roles[role as keyof typeof roles];
  throw unsupported(`${name}.role`, role, Object.keys(roles).join(', '));
}

function contentOf(content: unknown, name: string): readonly GivenPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (Array.isArray(content)) return content.map((part, index) => partOf(part, `${name}.content[${index}]`));
  throw new WireFault('invalid_value', `${name}.content`, `'${name}.content' must be a text or a list of parts.`);
}

function partOf(part: unknown, name: string): GivenPart {
  const { type, text, refusal, image_url, file_id } = (part ?? {}) as Fields;
  switch (type) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: textOf(text, `${name}.text`) };
    case 'refusal':
      return { type: 'text', text: textOf(refusal, `${name}.refusal`) };
    case 'input_image':
      return { type: 'image', field: `${name}.image_url`, value: file_id ? { file_id } : image_url };
    default:
      throw unsupported(`${name}.type`, type, allowedParts);
  }
}

function textOf(text: unknown, name: string): string {
  if (typeof text === 'string') return text;
  throw new WireFault('invalid_value', name, `'${name}' must be a text.`);
}

function unsupported(name: string, value: unknown, allowed: string, why = ''): WireFault {
  const shown = (JSON.stringify(value) ?? 'nothing').slice(0, 60);
  return new WireFault('unsupported_value', name, `'${name}' is ${shown}; read here are ${allowed}.${why}`);
}
