/** Answers of models that converse as chat completions, whole and streamed: pictures stand in `images`, as openrouter has them. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JobRequest } from '../../jobs/types.ts';
import type { ChatBody } from '../../schemas/openai.ts';
import type { ModelInfo } from '../../types.ts';
import { type FinishedAnswer, followAnswer } from '../compat/follow-answer.ts';
import { parseSize } from '../compat/picture-size.ts';
import { renderPicture } from '../compat/render-picture.ts';
import { failInStream, openStream, sendDone, sendEvent } from './event-stream.ts';
import { toBase64 } from './image-answer.ts';

interface DialogueCall {
  readonly body: ChatBody;
  readonly model: ModelInfo;
  readonly job: JobRequest;
  readonly id: string;
  readonly created: number;
}

interface ImagePart {
  readonly type: 'image_url';
  readonly index: number;
  readonly image_url: { readonly url: string };
}

export async function completeDialogue(request: FastifyRequest, call: DialogueCall): Promise<unknown> {
  const { id, created, model } = call;
  const answer = await followAnswer(request, call.job);
  const images: ImagePart[] = [];
  for (const [index, { png }] of answer.pictures.entries()) images.push(await imagePart(call, index, png));
  const message = {
    role: 'assistant',
    content: textOf(answer),
    refusal: null,
    ...(images.length > 0 && { images, parts: partsOf(answer, images) }),
  };
  return {
    id,
    object: 'chat.completion',
    created,
    model: model.id,
    choices: [{ index: 0, message, logprobs: null, finish_reason: answer.finishReason }],
    usage: usageOf(answer),
    seed: answer.seed,
  };
}

export async function streamDialogue(request: FastifyRequest, reply: FastifyReply, call: DialogueCall): Promise<void> {
  const { id, created, model, body } = call;
  const send = (choices: unknown[], more: object = {}) =>
    sendEvent(reply, undefined, {
      ...{ id, object: 'chat.completion.chunk', created, model: model.id, choices },
      ...more,
    });
  let isBegun = false;
  const delta = async (fields: object, finish: string | null = null, more: object = {}) => {
    const choice = (own: object, end: string | null) => ({ index: 0, delta: own, logprobs: null, finish_reason: end });
    if (!isBegun) await send([choice({ role: 'assistant', content: '' }, null)]);
    isBegun = true;
    await send([choice(fields, finish)], more);
  };
  try {
    const answer = await followAnswer(request, call.job, {
      alive: () => openStream(reply),
      text: text => delta({ content: text }),
      picture: async (index, png) => delta({ images: [await imagePart(call, index, png)] }),
    });
    await delta({}, answer.finishReason, { seed: answer.seed });
    if (body.stream_options?.include_usage) await send([], { usage: usageOf(answer) });
    await sendDone(reply);
  } catch (error) {
    await failInStream(request, reply, error);
  }
}

async function imagePart({ body }: DialogueCall, index: number, png: Uint8Array): Promise<ImagePart> {
  const picture = await renderPicture(png, { size: parseSize(body.size), format: 'png', quality: 100 });
  return { type: 'image_url', index, image_url: { url: `data:image/png;base64,${toBase64(picture)}` } };
}

function textOf({ content }: FinishedAnswer): string {
  return content.map(part => (part.type === 'text' ? part.text : '')).join('');
}

/** Words and pictures in their order, for clients that show both. */
function partsOf({ content }: FinishedAnswer, images: readonly ImagePart[]): unknown[] {
  return content.map(part => {
    if (part.type === 'text') return part;
    const { type, image_url } = images[part.index]!;
    return { type, image_url };
  });
}

function usageOf({ promptTokens, answerTokens }: FinishedAnswer): unknown {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: answerTokens,
    total_tokens: promptTokens + answerTokens,
  };
}
