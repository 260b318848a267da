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

/** What stands in place of a result, while there is none: what comes there, and what to do for it. */
export function emptyStage(tab: TabId, call: WireCall, kind: Kind, isReady: boolean): Texts {
  const verb = verbOf(call, kind);
  const { title, text } = missingStage(tab, call, kind);
  if (tab === 'draw') {
    const start = isReady ? `“${verb}” begins.` : text;
    return { title, text: `${start} You can watch the pictures come out of the noise.` };
  }
  return { title, text: isReady && tab !== 'imagine' ? `“${verb}” begins.` : text };
}

function missingStage(tab: TabId, call: WireCall, kind: Kind): Texts {
  if (tab === 'draw') {
    return { title: 'Your pictures appear here', text: 'Write a caption or take one of the examples.' };
  }
  if (tab === 'imagine') {
    const text = `“${verbOf(call, kind)}” asks for nothing in particular: see what the model makes.`;
    return { title: 'What the model imagines appears here', text };
  }
  if (tab === 'describe') {
    const text = 'Drop, paste or pick a picture, or drag one over from the gallery.';
    return { title: 'The description appears here', text };
  }
  if (fillsGaps(call, kind)) {
    const text = 'Leave out what the model should think of. The words you give stay as they are.';
    return { title: 'The whole caption appears here', text };
  }
  if (tab === 'inpaint') {
    const text =
      'Choose a picture and brush over the part that should change. All the rest stays as it is, to the pixel.';
    return { title: 'The changed picture appears here', text };
  }
  if (call.needs.length > 1) {
    const text = 'Give two captions or two pictures. A slider then leads from one to the other.';
    return { title: 'The way between the two appears here', text };
  }
  return { title: 'The result appears here', text: 'Give something to vary.' };
}
