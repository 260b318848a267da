/** What a conversation asks of a model that draws and describes but does not converse. */
import type { FastifyRequest } from 'fastify';
import type { JobMode, JobRequest } from '../../jobs/types.ts';
import type { ChatBody, ChatMessage } from '../../schemas/openai.ts';
import type { ModelInfo } from '../../types.ts';
import { checkCharacters } from '../compat/read-dialogue.ts';
import { pictureOf } from '../compat/read-picture.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { samplingOf } from './image-request.ts';

/** The job that answers, or undefined where there is nothing to draw or to describe. */
export async function chatJob(
  body: ChatBody,
  model: ModelInfo,
  request: FastifyRequest,
): Promise<JobRequest | undefined> {
  const last = body.messages.findLast(({ role }) => role === 'user');
  if (!last)
    throw new WireFault('missing_required_parameter', 'messages', 'A conversation needs a message of the user.');
  checkCharacters('messages', body.messages.map(textOf)); // whose tokens are counted
  const drawn = body.modalities?.includes('image') ?? false;
  const prompt = textOf(last);
  const own = pictureUrlsOf(last);
  const urls = own.length > 0 || drawn ? own : latestPictureUrls(body.messages);
  const as = (mode: JobMode) => ({ ...samplingOf(body, model, mode), mode });
  if (urls.length > 0) {
    const image = await pictureOf(request, 'messages', urls);
    if (image && !drawn && model.calls['i2t']) return { ...as('i2t'), image };
    // A model that does not describe pictures needs words to draw one anew.
    if (image && drawn) return { ...as('i2t2i'), image, ...(!model.calls['i2t'] && prompt !== '' && { prompt }) };
  }
  if (!drawn) return undefined;
  return prompt === '' && model.calls['joint'] ? as('joint') : { ...as('t2i'), prompt };
}

/** The text of a message, its parts joined. */
export function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content.trim();
  const texts = content?.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])) ?? [];
  return texts.join('\n').trim();
}

function latestPictureUrls(messages: readonly ChatMessage[]): readonly string[] {
  const latest = messages.findLast(message => message.role === 'user' && pictureUrlsOf(message).length > 0);
  return latest ? pictureUrlsOf(latest) : [];
}

function pictureUrlsOf({ content }: ChatMessage): readonly string[] {
  if (typeof content === 'string') return [];
  const images =
    content?.flatMap(({ type, image_url }) => (type === 'image_url' && image_url ? [image_url] : [])) ?? [];
  return images.map(image => (typeof image === 'string' ? image : image.url));
}

/** What a user is told who talks to the model as if it could talk. */
export function capabilitiesText({ id, examples }: ModelInfo): string {
  const [example = 'an apple'] = examples;
  return (
    `I am ${id}, an image model: I cannot hold a conversation. Attach a picture and I answer with a short caption of it. ` +
    `With modalities ["image", "text"] I draw what you write, such as "${example}", vary a picture that you attach, or, ` +
    'if you write nothing, imagine a picture together with its caption.'
  );
}
