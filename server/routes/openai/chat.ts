/**
 * POST /chat/completions: answers of models that converse; of others captions of pictures, and pictures where the client asks for
 * them.
 */
import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { JobRequest } from '../../jobs/types.ts';
import { type ChatBody, openaiBodies } from '../../schemas/openai.ts';
import type { ModelInfo } from '../../types.ts';
import { countTokens } from '../compat/count-tokens.ts';
import { type FamiliarityFields, familiarityFields, familiarityText } from '../compat/familiarity.ts';
import { parseSize } from '../compat/picture-size.ts';
import { renderPicture } from '../compat/render-picture.ts';
import { drawnSamples, runJob } from '../compat/run-job.ts';
import { capabilitiesText, chatJob, textOf } from './chat-request.ts';
import { completeDialogue, streamDialogue } from './dialogue-answer.ts';
import { dialogueJob } from './dialogue-request.ts';
import { failInStream, openStream, sendDone, sendEvent } from './event-stream.ts';
import { now, toBase64 } from './image-answer.ts';
import { modelOf } from './image-request.ts';

interface Choice {
  readonly content: string | null;
  /** Data URLs. */
  readonly images: readonly ImagePart[];
}

interface ImagePart {
  readonly type: 'image_url';
  readonly index: number;
  readonly image_url: { readonly url: string };
}

interface Answer {
  readonly choices: readonly Choice[];
  /** Of the picture given, as in a job's result: fields that OpenAI does not have. */
  readonly seen: FamiliarityFields;
}

interface Chat {
  readonly body: ChatBody;
  readonly model: ModelInfo;
  readonly job: JobRequest | undefined;
  readonly id: string;
  readonly created: number;
}

export async function chatRoutes(app: FastifyInstance): Promise<void> {
  app.post<{ Body: ChatBody }>(
    '/chat/completions',
    {
      sse: 'manual',
      schema: {
        tags: ['OpenAI'],
        summary: 'Answers, captions and pictures in a conversation',
        description: familiarityText('in a stream on the chunks that end a choice'),
        body: openaiBodies(app.models.list()).chat,
      },
    },
    async (request, reply) => {
      const { body } = request;
      const model = modelOf(request, body.model);
      parseSize(body.size);
      const facts = { body, model, id: `chatcmpl-${randomUUID()}`, created: now() };
      if (model.dialogue) {
        const call = { ...facts, job: await dialogueJob(body, model, request) };
        return body.stream ? streamDialogue(request, reply, call) : completeDialogue(request, call);
      }
      const chat: Chat = { ...facts, job: await chatJob(body, model, request) };
      return body.stream ? streamChat(request, reply, chat) : completion(chat, await answerOf(request, chat));
    },
  );
}

/** `onAccepted` is called again with every event of the job. */
async function answerOf(
  request: FastifyRequest,
  { body, model, job }: Chat,
  onAccepted: () => void | Promise<void> = () => {},
): Promise<Answer> {
  if (!job) {
    const choice = { content: capabilitiesText(model), images: [] };
    return { choices: new Array<Choice>(body.n ?? 1).fill(choice), seen: {} };
  }
  const result = await runJob(request, job, { onEvent: onAccepted });
  const seen = familiarityFields(result);
  if (job.mode === 'i2t') {
    return { choices: result.samples.map(({ caption }) => ({ content: caption ?? '', images: [] })), seen };
  }
  const choices: Choice[] = [];
  for (const { png, caption } of drawnSamples(result)) {
    const picture = await renderPicture(png, { size: parseSize(body.size), format: 'png', quality: 100 });
    const url = `data:image/png;base64,${toBase64(picture)}`;
    choices.push({ content: caption ?? null, images: [{ type: 'image_url', index: 0, image_url: { url } }] });
  }
  return { choices, seen };
}

function completion(chat: Chat, { choices, seen }: Answer): unknown {
  const { id, created, model } = chat;
  return {
    id,
    object: 'chat.completion',
    created,
    model: model.id,
    choices: choices.map(({ content, images }, index) => ({
      index,
      message: {
        role: 'assistant',
        content,
        refusal: null,
        ...(images.length > 0 && { images, parts: partsOf(content, images) }),
      },
      logprobs: null,
      finish_reason: 'stop',
    })),
    usage: usageOf(chat, choices),
    ...seen,
  };
}

/** Words and pictures in their order, for clients that show both. */
function partsOf(content: string | null, images: readonly ImagePart[]): unknown[] {
  const pictures = images.map(({ type, image_url }) => ({ type, image_url }));
  return content === null ? pictures : [{ type: 'text', text: content }, ...pictures];
}

async function streamChat(request: FastifyRequest, reply: FastifyReply, chat: Chat): Promise<void> {
  const { id, created, model, body } = chat;
  const send = (choices: unknown[], more: object = {}) =>
    sendEvent(reply, undefined, {
      ...{ id, object: 'chat.completion.chunk', created, model: model.id, choices },
      ...more,
    });
  const delta = (index: number, fields: object, finish: string | null = null, more: object = {}) =>
    send([{ index, delta: fields, logprobs: null, finish_reason: finish }], more);
  try {
    const { choices, seen } = await answerOf(request, chat, () => openStream(reply));
    for (const [index, { content, images }] of choices.entries()) {
      await delta(index, { role: 'assistant', content: '' });
      if (content !== null) await delta(index, { content });
      if (images.length > 0) await delta(index, { images });
      await delta(index, {}, 'stop', seen);
    }
    if (body.stream_options?.include_usage) await send([], { usage: usageOf(chat, choices) });
    await sendDone(reply);
  } catch (error) {
    await failInStream(request, reply, error);
  }
}

function usageOf({ body, model }: Chat, choices: readonly Choice[]): unknown {
  const prompt = countTokens(model, body.messages.map(textOf).join(' '));
  const answer = countTokens(model, choices.map(({ content }) => content ?? '').join(' '));
  return { prompt_tokens: prompt, completion_tokens: answer, total_tokens: prompt + answer };
}
