/** Dialogues as every family's requests become them: what is cheap to check is checked before a picture is decoded. */
import type { FastifyRequest } from 'fastify';
import { checkTurns, type InterleavedMessage } from '../../../src/pipelines/index.ts';
import type { JobMessage, JobRequest } from '../../jobs/types.ts';
import { mostCharacters, mostPictures } from '../../schemas/dialogue.ts';
import type { ModelInfo } from '../../types.ts';
import { pictureOf } from './read-picture.ts';
import { WireFault } from './wire-fault.ts';

export type GivenPart =
  | { readonly type: 'text'; readonly text: string }
  /** What stands for a picture in the request's `field`. */
  | { readonly type: 'image'; readonly field: string; readonly value: unknown };

export interface GivenMessage extends Pick<InterleavedMessage, 'role'> {
  readonly content: readonly GivenPart[];
}

/**
 * The dialogue of a job.
 * @param field the request's field that holds it
 * @throws WireFault | DuetError 'invalid-argument' | 'not-allowed'
 */
export async function readDialogue(
  request: FastifyRequest,
  field: string,
  given: readonly GivenMessage[],
  model: ModelInfo,
): Promise<Pick<JobRequest, 'messages' | 'pictures'>> {
  checkTurns(given);
  checkLength(field, given);
  const sees = model.dialogue?.sees ?? false;
  const pictures: Uint8Array[] = [];
  const messages: JobMessage[] = [];
  for (const { role, content } of given) {
    const parts: JobMessage['content'][number][] = [];
    for (const part of content) {
      if (part.type === 'text') parts.push(part);
      // Without sight of its own pictures a model is told its words alone.
      else if (sees || role !== 'assistant') {
        if (!sees) throw sightless(part.field, model);
        parts.push({ type: 'image', picture: pictures.push(await requiredPicture(request, part)) - 1 });
      }
    }
    messages.push({ role, content: parts });
  }
  return { messages, ...(pictures.length > 0 && { pictures }) };
}

function checkLength(field: string, given: readonly GivenMessage[]): void {
  const parts = given.flatMap(({ content }) => content);
  const pictures = parts.filter(({ type }) => type === 'image').length;
  if (pictures > mostPictures) {
    const message = `'${field}' holds ${pictures} pictures, at most ${mostPictures} are allowed; leave earlier ones out.`;
    throw new WireFault('invalid_value', field, message);
  }
  checkCharacters(
    field,
    parts.map(part => (part.type === 'text' ? part.text : '')),
  );
}

/** @throws WireFault if the texts of a conversation are longer together than is allowed */
export function checkCharacters(field: string, texts: readonly string[]): void {
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  if (characters <= mostCharacters) return;
  const message = `'${field}' holds ${characters} characters, at most ${mostCharacters} are allowed; leave earlier messages out.`;
  throw new WireFault('invalid_value', field, message);
}

async function requiredPicture(
  request: FastifyRequest,
  { field, value }: Extract<GivenPart, { type: 'image' }>,
): Promise<Uint8Array> {
  request.disconnected.throwIfAborted();
  const picture = await pictureOf(request, field, value);
  if (picture) return picture;
  throw new WireFault('missing_required_parameter', field, `Missing required parameter: '${field}'.`);
}

function sightless(field: string, { id }: ModelInfo): WireFault {
  return new WireFault('unsupported_value', field, `The model ${id} cannot be given pictures; leave '${field}' out.`);
}
