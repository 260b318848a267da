/**
 * Server-sent events from a fetch body (https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6).
 * EventSource is not used, because it hides the status of a rejected request and repeats the request without end.
 */

export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  /** The id of this event, or of the latest one before it that had an id; empty if there is none. */
  readonly id: string;
}

/** Feed it text in pieces of any length; it returns the events that are complete. */
export function eventReader(): (text: string) => ServerSentEvent[] {
  let rest = '';
  let event = '';
  let data: string[] = [];
  let id = '';
  const takeLine = (line: string): ServerSentEvent | undefined => {
    if (line === '') {
      const complete = data.length > 0 ? { event: event || 'message', data: data.join('\n'), id } : undefined;
      event = '';
      data = [];
      return complete;
    }
    const [field, value] = splitField(line);
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id' && !value.includes('\0')) id = value;
    return undefined;
  };
  return text => {
    rest += text;
    // A carriage return at the end may be the first half of CR LF: it waits for the next piece.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    return lines.map(takeLine).filter(found => found !== undefined);
  };
}

function splitField(line: string): [field: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
