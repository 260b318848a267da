/** What a chat completion asks of a model that converses. */
import type { FastifyRequest } from 'fastify';
import type { JobOptions, JobRequest } from '../../jobs/types.ts';
import type { ChatBody, ChatMessage, ChatPart } from '../../schemas/openai.ts';
import type { ModelInfo } from '../../types.ts';
import { parseSize, sizeOptions } from '../compat/picture-size.ts';
import { type GivenMessage, type GivenPart, readDialogue } from '../compat/read-dialogue.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { samplingOf } from './image-request.ts';

const mode = 'chat';

export async function dialogueJob(body: ChatBody, model: ModelInfo, request: FastifyRequest): Promise<JobRequest> {
  if (body.n !== undefined && body.n > 1) {
    const message = `'n' is 1 for ${model.id}, got ${body.n}: it gives one answer to a request. Send several requests.`;
    throw new WireFault('unsupported_value', 'n', message);
  }
  const options: JobOptions = {
    ...drawOf(body, model),
    ...samplingOf(body, model, mode),
    ...sizeOptions(parseSize(body.size), model, mode),
    ...(body.stop !== undefined && { stop: [body.stop].flat() }),
  };
  return { mode, ...options, ...(await readDialogue(request, 'messages', body.messages.map(messageOf), model)) };
}

/** Whether the answer may have pictures: the modalities are what clients wish to be given. */
function drawOf({ modalities }: ChatBody, { id, dialogue }: ModelInfo): JobOptions {
  if (modalities === undefined) return {};
  const draws = dialogue?.draws ?? false;
  if (!modalities.includes('image')) return draws ? { draw: 'never' } : {};
  if (modalities.includes('text')) return {};
  if (draws) return { draw: 'always' };
  throw new WireFault('unsupported_value', 'modalities', `The model ${id} does not draw; ask for ["text"].`);
}

function messageOf({ role, content, images = [], parts }: ChatMessage, index: number): GivenMessage {
  const name = `messages[${index}]`;
  if (role === 'tool' || role === 'function') {
    const message = `'${name}.role' is ${role}, but the models here call no tools; allowed are system, developer, user and assistant.`;
    throw new WireFault('unsupported_value', `${name}.role`, message);
  }
  const own = { role: role === 'developer' ? 'system' : role } as const;
  if (parts) return { ...own, content: parts.map((part, place) => partOf(part, `${name}.parts[${place}]`)) };
  const words: GivenPart[] =
    typeof content === 'string'
      ? [{ type: 'text', text: content }]
      : (content ?? []).map((part, place) => partOf(part, `${name}.content[${place}]`));
  return { ...own, content: [...words, ...images.map((part, place) => partOf(part, `${name}.images[${place}]`))] };
}

function partOf({ type, text, image_url: image }: ChatPart, name: string): GivenPart {
  if (type === 'image_url') return { type: 'image', field: `${name}.image_url`, value: image };
  if (type !== 'text') {
    const message = `'${name}.type' must be text or image_url, got ${JSON.stringify(type)}.`;
    throw new WireFault('unsupported_value', `${name}.type`, message);
  }
  if (text !== undefined) return { type, text };
  throw new WireFault('missing_required_parameter', `${name}.text`, `Missing required parameter: '${name}.text'.`);
}
