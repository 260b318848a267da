/** The dialogue of a native job. */
import type { FastifyRequest } from 'fastify';
import type { JobRequest } from '../../jobs/types.ts';
import type { Dialogue } from '../../schemas/dialogue.ts';
import type { JobBody } from '../../schemas/job.ts';
import { type GivenMessage, type GivenPart, readDialogue } from '../compat/read-dialogue.ts';
import { WireFault } from '../compat/wire-fault.ts';

/** @throws WireFault, and what reading a dialogue throws */
export async function jobDialogue(
  request: FastifyRequest<{ Body: JobBody }>,
): Promise<Pick<JobRequest, 'messages' | 'pictures'>> {
  const { mode, model: name, messages } = request.body;
  const { models } = request.server;
  const model = name === undefined ? models.list()[0] : models.get(name);
  if (messages === undefined || !model) return {}; // the job service tells what is missing
  if (!model.calls[mode]?.takes.includes('messages')) {
    throw new WireFault('invalid_value', 'messages', `The mode ${mode} of ${model.id} takes no messages.`);
  }
  return readDialogue(request, 'messages', givenMessages(messages, 'messages'), model);
}

/** @param name of the field that holds them */
export function givenMessages(messages: Dialogue, name: string): GivenMessage[] {
  return messages.map(({ role, content }, index) => ({ role, content: partsOf(content, `${name}[${index}]`) }));
}

function partsOf(content: Dialogue[number]['content'], message: string): GivenPart[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map(({ type, text, image }, index) => {
    const field = `${message}.content[${index}].${type}`;
    if (type === 'image') return { type, field, value: image };
    if (text !== undefined) return { type, text };
    throw new WireFault('missing_required_parameter', field, `Missing required parameter: '${field}'.`);
  });
}
