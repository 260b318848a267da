/** What a prediction asks of a model that converses: Replicate's language models take a prompt, those of Duet a dialogue too. */
import type { FastifyRequest } from 'fastify';
import type { JobRequest } from '../../jobs/types.ts';
import type { PredictionBody, PredictionInput } from '../../schemas/replicate.ts';
import type { ModelInfo } from '../../types.ts';
import { type GivenMessage, type GivenPart, readDialogue } from '../compat/read-dialogue.ts';
import { WireFault } from '../compat/wire-fault.ts';
import { givenMessages } from '../native/job-dialogue.ts';

/** Fields that only make sense where words are written. */
const wordFields = [
  'messages',
  'system_prompt',
  'stop_sequences',
  'max_tokens',
  'max_new_tokens',
  'temperature',
  'top_p',
  'top_k',
];

/** Whether words are wished for: of a model that draws as well, what is not of pictures says so. */
export function isDialogue({ mode, ...input }: PredictionInput, { calls }: ModelInfo): boolean {
  if (mode !== undefined) return mode === 'chat';
  if (!calls['chat']) return false;
  return !calls['t2i'] || wordFields.some(name => input[name] !== undefined);
}

/** @throws WireFault, and what reading a dialogue throws */
export async function predictionDialogue(
  request: FastifyRequest<{ Body: PredictionBody }>,
  model: ModelInfo,
): Promise<Pick<JobRequest, 'messages' | 'pictures' | 'stop'>> {
  const { input } = request.body;
  return { ...(await readDialogue(request, 'input', messagesOf(input), model)), ...stopsOf(input) };
}

function messagesOf({ prompt, image, system_prompt: system, messages }: PredictionInput): GivenMessage[] {
  const instructions: GivenMessage[] =
    system === undefined || system.trim() === '' ? [] : [{ role: 'system', content: [{ type: 'text', text: system }] }];
  if (messages) {
    const given = prompt === undefined ? (image === undefined ? undefined : 'image') : 'prompt';
    if (given === undefined) return [...instructions, ...givenMessages(messages, 'input.messages')];
    const message = `'input.${given}' and 'input.messages' were both given: the last message is what is asked.`;
    throw new WireFault('invalid_value', `input.${given}`, message);
  }
  const asked: GivenPart[] = [
    ...(image === undefined ? [] : [{ type: 'image', field: 'input.image', value: image } as const]),
    ...(prompt === undefined || prompt === '' ? [] : [{ type: 'text', text: prompt } as const]),
  ];
  if (asked.length > 0) return [...instructions, { role: 'user', content: asked }];
  throw new WireFault('missing_required_parameter', 'input.prompt', "Missing required parameter: 'input.prompt'.");
}

/** As Replicate's models take them: one text, with commas between. */
function stopsOf({ stop_sequences: stops }: PredictionInput): Pick<JobRequest, 'stop'> {
  const stop = stops?.split(',').filter(text => text !== '') ?? [];
  return stop.length > 0 ? { stop } : {};
}
