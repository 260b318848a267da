/** The ids that a tokenizer puts before and behind a text: what a tokenizer.json has as its `post_processor`. */
import { DuetError } from '../core/errors.ts';

export interface FrameIds {
  readonly before: readonly number[];
  readonly behind: readonly number[];
}

type TemplatePart = { readonly SpecialToken: { readonly id: string } } | { readonly Sequence: { readonly id: string } };

/** A post-processor's description, as far as some kind has the field. */
interface PostProcessorJson {
  readonly type: string;
  readonly processors?: readonly PostProcessorJson[];
  readonly single?: readonly TemplatePart[];
  readonly special_tokens?: Readonly<Record<string, { readonly ids: readonly number[] }>>;
  readonly cls?: readonly [string, number];
  readonly sep?: readonly [string, number];
}

/** @throws DuetError 'invalid-config' for a post-processor that is not built */
export function frameIds(json: unknown, origin: string): FrameIds {
  const none: FrameIds = { before: [], behind: [] };
  if (json === null || json === undefined) return none;
  const { type, processors = [], single = [], special_tokens: special = {}, cls, sep } = json as PostProcessorJson;
  switch (type) {
    case 'ByteLevel': // moves offsets only, which nobody asks for
      return none;
    case 'Sequence':
      return processors
        .map(processor => frameIds(processor, origin))
        .reduce((a, b) => ({ before: [...b.before, ...a.before], behind: [...a.behind, ...b.behind] }), none);
    case 'TemplateProcessing': {
      const place = single.findIndex(part => 'Sequence' in part);
      const ids = (parts: readonly TemplatePart[]) =>
        parts.flatMap(part => ('SpecialToken' in part ? (special[part.SpecialToken.id]?.ids ?? []) : []));
      if (place < 0) throw new DuetError('invalid-config', `${origin}: the template of post_processor has no Sequence`);
      return { before: ids(single.slice(0, place)), behind: ids(single.slice(place + 1)) };
    }
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: cls ? [cls[1]] : [], behind: sep ? [sep[1]] : [] };
    default:
      throw new DuetError(
        'invalid-config',
        `${origin}: the post_processor ${JSON.stringify(type)} is none of ByteLevel, Sequence, TemplateProcessing, BertProcessing, RobertaProcessing`,
      );
  }
}
