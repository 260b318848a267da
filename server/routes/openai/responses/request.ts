/** What a response asks of the library. */
import type { FastifyRequest } from 'fastify';
import { stepsOf } from '../../../jobs/requests.ts';
import type { JobOptions, JobRequest, Rendering } from '../../../jobs/types.ts';
import { readOptions, servedOptions } from '../../../schemas/option-fields.ts';
import { type ResponseBody, type ResponseTool, responseNames } from '../../../schemas/responses.ts';
import type { ModelInfo } from '../../../types.ts';
import { parseSize, sizeOptions } from '../../compat/picture-size.ts';
import { readDialogue } from '../../compat/read-dialogue.ts';
import { defaultQuality } from '../../compat/render-picture.ts';
import { WireFault } from '../../compat/wire-fault.ts';
import { previewsOf } from '../image-request.ts';
import { messagesOf } from './input.ts';

const mode = 'chat';
const drawingTool = 'image_generation';

export interface ResponseJob {
  readonly job: JobRequest;
  /** Of its pictures. */
  readonly rendering: Rendering;
  /** Previews of each picture, in a stream. */
  readonly previews: number;
}

/** @throws WireFault, and what reading a dialogue throws */
export async function responseJob(body: ResponseBody, model: ModelInfo, request: FastifyRequest): Promise<ResponseJob> {
  if (!model.dialogue) {
    const message = `The model ${model.id} does not converse; /v1/images/generations and /v1/chat/completions take it.`;
    throw new WireFault('unsupported_value', 'model', message);
  }
  refuseState(body);
  const { tool, name } = toolOf(body);
  const size = parseSize(tool?.size, `${name}.size`);
  const sampling = readOptions(body, servedOptions([model], [mode]), responseNames);
  const options: JobOptions = {
    ...sampling,
    ...drawOf(body, tool, model),
    ...sizeOptions(size, model, mode),
  };
  const asked = { stream: body.stream === true && model.dialogue.draws, partial_images: tool?.partial_images ?? 0 };
  const previews = previewsOf(asked, stepsOf({ mode, ...options }, model));
  const dialogue = await readDialogue(request, 'input', messagesOf(body), model);
  return {
    job: { mode, model: model.id, ...options, ...previews, ...dialogue },
    rendering: {
      size,
      format: tool?.output_format ?? 'png',
      quality: Math.max(1, tool?.output_compression ?? defaultQuality),
    },
    previews: asked.partial_images,
  };
}

/** What would need something that was kept. */
function refuseState({ previous_response_id, conversation, prompt, background }: ResponseBody): void {
  const asked = { previous_response_id, conversation, prompt };
  const [name] = Object.entries(asked).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined) {
    const message = `'${name}' is not served: nothing is kept between requests. Send the whole conversation as input.`;
    throw new WireFault('unsupported_value', name, message);
  }
  if (background !== true) return;
  const message = "'background' is not served here; POST /v1/jobs with the mode chat gives a job to come back to.";
  throw new WireFault('unsupported_value', 'background', message);
}

function toolOf({ tools = [] }: ResponseBody): { readonly tool: ResponseTool | undefined; readonly name: string } {
  const index = tools.findIndex(({ type }) => type === drawingTool);
  const name = `tools[${index}]`;
  if (tools[index]?.input_image_mask === undefined) return { tool: tools[index], name };
  const field = `${name}.input_image_mask`;
  throw new WireFault('unsupported_value', field, `'${field}' is not served; /v1/images/edits takes masks.`);
}

/** Places of tools that nothing here can use. */
export function ignoredTools({ tools = [] }: ResponseBody): readonly string[] {
  return tools.flatMap(({ type }, index) => (type === drawingTool ? [] : [`tools[${index}]`]));
}

/** As the API means it: a model uses the tools that it is given, and none without. */
function drawOf(
  { tool_choice: choice = 'auto' }: ResponseBody,
  tool: ResponseTool | undefined,
  { id, dialogue }: ModelInfo,
): JobOptions {
  const wish = wishOf(choice);
  if (wish === 'always' && !tool) {
    const message = `'tool_choice' asks for a picture; tools must hold {"type": "${drawingTool}"} then.`;
    throw new WireFault('invalid_value', 'tool_choice', message);
  }
  if (dialogue?.draws) return { draw: tool ? wish : 'never' };
  if (wish !== 'always') return {};
  throw new WireFault('unsupported_value', 'tool_choice', `The model ${id} does not draw; leave tool_choice out.`);
}

function wishOf(choice: unknown): 'auto' | 'always' | 'never' {
  if (choice === 'auto') return 'auto';
  if (choice === 'none') return 'never';
  const { type, mode: how, tools } = fieldsOf(choice);
  if (choice === 'required' || type === drawingTool) return 'always';
  if (type === 'allowed_tools') {
    const isAllowed = Array.isArray(tools) && tools.some(tool => fieldsOf(tool)['type'] === drawingTool);
    if (!isAllowed) return 'never';
    return how === 'required' ? 'always' : 'auto';
  }
  const message = `'tool_choice' is auto, none, required, {"type": "${drawingTool}"} or {"type": "allowed_tools"}; there are no other tools here.`;
  throw new WireFault('unsupported_value', 'tool_choice', message);
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
