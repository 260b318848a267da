/** The body of a native job: what is given, and every option of the served models. */
import Type from 'typebox';
import { longestText } from '../../src/pipelines/index.ts';
import type { JobMode, JobRequest } from '../jobs/types.ts';
import type { ModelInfo } from '../types.ts';
import { type Dialogue, dialogueField } from './dialogue.ts';
import { type OptionNames, optionFields, readOptions, servedOptions } from './option-fields.ts';

/** A file of a form, base64 text, a data URL or, where that is allowed, an http(s) URL. */
const picture = (description: string) =>
  Type.Optional(Type.Unsafe<unknown>({ description: `${description}: a file, base64 text or a data URL` }));
const text = (description: string) => Type.Optional(Type.String({ maxLength: longestText, description }));

/** What is given to a job, in every mode the part that it reads. */
export const inputFields = {
  prompt: text('what to draw or what a variation shows, or where a chain or an interpolation starts'),
  prompt2: text('where an interpolation ends'),
  image: picture('the picture given'),
  image2: picture('where an interpolation ends'),
  mask: picture('what to paint anew: transparent, or white'),
};

/** The modes of the served models, each with what it does. */
export function modeField(models: readonly ModelInfo[]) {
  const modes = new Map(models.flatMap(({ calls }) => Object.entries(calls)));
  const summaries = [...modes].map(([mode, { summary }]) => `${mode}: ${summary}`);
  return Type.Enum([...modes.keys()], { description: `What to do. ${summaries.join('; ')}` });
}

/** The body of POST /v1/jobs. */
export function jobBody(models: readonly ModelInfo[]) {
  const hasDialogues = models.some(({ dialogue }) => dialogue);
  const fixed = {
    mode: modeField(models),
    model: text('one of /v1/models; the default model if absent'),
    ...inputFields,
    ...(hasDialogues && { messages: Type.Optional(dialogueField) }),
  };
  return Type.Object({ ...fixed, ...optionFields(servedOptions(models)) }, { title: 'Job' });
}

export interface JobBody extends Readonly<Record<string, unknown>> {
  readonly mode: JobMode;
  readonly model?: string;
  readonly prompt?: string;
  readonly prompt2?: string;
  readonly messages?: Dialogue;
}

/** The fields that are no pictures, as the service knows them. */
export function toRequest(body: JobBody, models: readonly ModelInfo[], names: OptionNames = {}): JobRequest {
  const { mode, model, prompt, prompt2 } = body;
  return {
    mode,
    ...(model !== undefined && { model }),
    ...(prompt !== undefined && { prompt }),
    ...(prompt2 !== undefined && { prompt2 }),
    ...readOptions(body, servedOptions(models), names),
  };
}
