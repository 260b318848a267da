/** A response, whole and streamed. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { logFault } from '../../../errors.ts';
import { fieldName } from '../../../schemas/option-fields.ts';
import { type ResponseBody, responseNames } from '../../../schemas/responses.ts';
import type { ModelInfo } from '../../../types.ts';
import { type FinishedAnswer, followAnswer } from '../../compat/follow-answer.ts';
import { renderPicture } from '../../compat/render-picture.ts';
import { toOpenaiError } from '../errors.ts';
import { openStream, sendEvent } from '../event-stream.ts';
import { now, toBase64 } from '../image-answer.ts';
import { newId, ResponseOutput, type SendEvent } from './output.ts';
import type { ResponseJob } from './request.ts';

export interface ResponseCall extends ResponseJob {
  readonly body: ResponseBody;
  readonly model: ModelInfo;
}

export async function answerResponse(
  request: FastifyRequest,
  reply: FastifyReply,
  call: ResponseCall,
): Promise<unknown> {
  const facts = factsOf(call);
  if (call.body.stream) return streamResponse(request, reply, call, facts);
  const output = new ResponseOutput(async () => {});
  const answer = await write(request, call, output);
  return finished(facts, output, answer);
}

async function streamResponse(
  request: FastifyRequest,
  reply: FastifyReply,
  call: ResponseCall,
  facts: object,
): Promise<void> {
  let sequence = 0;
  const send: SendEvent = (type, fields) => sendEvent(reply, type, { type, sequence_number: sequence++, ...fields });
  const output = new ResponseOutput(send);
  const begin = async () => {
    if (sequence > 0) return;
    openStream(reply);
    const response = { ...facts, status: 'in_progress', output: [] };
    await send('response.created', { response });
    await send('response.in_progress', { response });
  };
  try {
    const answer = await write(request, call, output, begin);
    const response = finished(facts, output, answer);
    await send(answer.finishReason === 'stop' ? 'response.completed' : 'response.incomplete', { response });
  } catch (error) {
    if (request.disconnected.aborted) return;
    if (!reply.raw.headersSent) throw error;
    const { status, body } = toOpenaiError(error, name => fieldName(name, responseNames, request.body));
    logFault(request.log, error, status);
    const { message, code, param } = body.error;
    await send('error', { code, message, param });
    const failure = { code: status >= 500 ? 'server_error' : code, message };
    await send('response.failed', {
      response: { ...facts, status: 'failed', error: failure, output: output.items },
    });
  }
}

/** Runs the job and writes its answer. */
async function write(
  request: FastifyRequest,
  { job, model, rendering, previews }: ResponseCall,
  output: ResponseOutput,
  alive?: () => Promise<void>,
): Promise<FinishedAnswer> {
  const encoded = async (png: Uint8Array) => toBase64(await renderPicture(png, rendering));
  const steps = job.steps ?? model.defaults[job.mode]?.steps;
  const answer = await followAnswer(request, job, {
    ...(alive && { alive }),
    text: delta => output.text(delta),
    pictureStarted: index => output.pictureStarted(index),
    async preview(index, png, step) {
      // A preview after the last step is the finished picture, which follows anyway.
      if (step !== steps && output.partialsOf(index) < previews) await output.preview(index, await encoded(png));
    },
    picture: async (index, png) => output.picture(index, await encoded(png)),
  });
  await output.end(answer.finishReason);
  return answer;
}

/** The fields of a response that stand from its beginning. */
function factsOf({ body, model }: ResponseCall): object {
  const { instructions, temperature, top_p, max_output_tokens, tool_choice, tools, metadata } = body;
  return {
    id: newId('resp'),
    object: 'response',
    created_at: now(),
    status: 'completed',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: instructions ?? null,
    max_output_tokens: max_output_tokens ?? null,
    metadata: metadata ?? {},
    model: model.id,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    store: false,
    temperature: temperature ?? null,
    text: { format: { type: 'text' } },
    tool_choice: tool_choice ?? 'auto',
    tools: tools ?? [],
    top_p: top_p ?? null,
    truncation: 'disabled',
    usage: null,
  };
}

function finished(facts: object, { items }: ResponseOutput, answer: FinishedAnswer): object {
  const { finishReason, promptTokens, answerTokens, seed } = answer;
  return {
    ...facts,
    ...(finishReason === 'length' && {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    }),
    output: items,
    seed,
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: answerTokens,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: promptTokens + answerTokens,
    },
  };
}
