/** What the tabs say, put together from what the server says of their calls. Pure. */
import { fillsGaps, type Kind, type TabId } from './calls.ts';
import type { WireCall } from './wire.ts';

export interface Texts {
  readonly title: string;
  readonly text: string;
}

/** What a call does: the summary's main clause as a heading, and what follows it. */
export function headingOf(call: WireCall, kind: Kind): Texts {
  if (fillsGaps(call, kind)) return { title: 'Fill in the gaps of a caption', text: 'The words you give stay' };
  const { summary } = call;
  const end = summary.search(/[,;]/);
  const [title, text] = end < 0 ? [summary, ''] : [summary.slice(0, end), summary.slice(end + 1).trim()];
  return { title: capitalised(title), text: capitalised(text) };
}

export function capitalised(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

/** The name of the button that runs a form. */
export function verbOf(call: WireCall, kind: Kind): string {
  return fillsGaps(call, kind) ? 'Fill in' : call.verb;
}

/** What stands in place of a result, while there is none. */
export function emptyStage(tab: TabId, call: WireCall, kind: Kind, isReady: boolean): Texts {
  const verb = verbOf(call, kind);
  if (tab === 'draw') {
    const start = isReady ? `“${verb}” begins.` : 'Write a caption or take one of the examples.';
    return { title: 'An empty sheet', text: `${start} You can watch the pictures come out of the noise.` };
  }
  if (tab === 'imagine') {
    return {
      title: 'Nothing imagined yet',
      text: `“${verb}” asks for nothing in particular: see what the model makes.`,
    };
  }
  if (isReady) return { title: tab === 'describe' ? 'Not looked at yet' : 'Not begun yet', text: `“${verb}” begins.` };
  return missingStage(tab, call, kind);
}

function missingStage(tab: TabId, call: WireCall, kind: Kind): Texts {
  if (tab === 'describe') {
    return {
      title: 'Nothing to look at yet',
      text: 'Drop, paste or pick a picture, or drag one over from the gallery.',
    };
  }
  if (fillsGaps(call, kind)) {
    const text = 'Leave out what the model should think of. The words you give stay as they are.';
    return { title: 'Words to find', text };
  }
  if (tab === 'inpaint') {
    const text =
      'Choose a picture and brush over the part that should change. All the rest stays as it is, to the pixel.';
    return { title: 'Nothing to paint over yet', text };
  }
  if (call.needs.length > 1) {
    const text = 'Give two captions or two pictures. A slider then leads from one to the other.';
    return { title: 'Two ends, no middle yet', text };
  }
  return { title: 'Nothing to vary yet', text: 'Give something to vary. The result appears here.' };
}
