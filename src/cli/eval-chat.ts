/** Measuring a model that answers in dialogues: `duet eval` of one. */
import { evaluateChat } from '../emoji/chat-measures/evaluate-chat.ts';
import { type ChatMeasureName, chatMeasureNames } from '../emoji/chat-measures/run.ts';
import { loadSprites } from '../emoji/scenes/sprites.ts';
import { measureChatSpeed } from '../eval/chat-speed.ts';
import type { Figure } from '../eval/report.ts';
import { loadEvalChat } from '../pipelines/index.ts';
import type { EvalFlags } from './eval.ts';
import { createProgressBar } from './progress-bar.ts';
import { type Terminal, visible } from './terminal.ts';

export interface MeasuredChat {
  readonly figures: readonly Figure[];
  /** Odd requests with their answers, in Markdown. */
  readonly appendix: string;
}

/**
 * @param side of the scenes in pixels, that of the pictures which the model draws
 * @param measures those asked for. @default all
 */
export async function measureChat(
  { stderr, signal }: Terminal,
  { model: name, precision, threads, count, seed }: EvalFlags,
  side: number,
  measures: readonly (ChatMeasureName | 'speed')[] = [...chatMeasureNames, 'speed'],
): Promise<MeasuredChat> {
  const bar = createProgressBar(stderr, 'eval');
  const model = await loadEvalChat(name, side, { signal, precision, ...(threads !== undefined && { threads }) });
  try {
    const clock = () => performance.now();
    const speed = measures.includes('speed') ? await measureChatSpeed(model, { clock, signal }) : [];
    const { figures, odd } = await evaluateChat(model, {
      sprites: await loadSprites(side),
      count,
      measures: measures.filter(measure => measure !== 'speed'),
      signal,
      ...(seed !== undefined && { seed }),
      onProgress: ({ measure, done, total }) => bar.update(done, total, measure),
    });
    const lines = odd.map(({ request, answer }) => {
      const said = answer.map(part => (part.type === 'text' ? part.text : ' [picture] ')).join('');
      return `| ${cell(JSON.stringify(request.words))} | ${cell(said)} |`;
    });
    const appendix = lines.length === 0 ? '' : `\n| asked | answered |\n| --- | --- |\n${lines.join('\n')}\n`;
    return { figures: [...figures, ...speed], appendix };
  } finally {
    bar.clear();
    await model.release();
  }
}

function cell(text: string): string {
  return visible(text.trim()).replaceAll('|', '\\|').replaceAll('\n', ' ');
}
