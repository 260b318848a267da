/** Short messages that disappear after a time. */
import { signal } from '@preact/signals';

export interface Notice {
  readonly text: string;
  readonly kind: 'info' | 'error';
}

const mostShown = 3;
const millisecondsShown = { info: 5_000, error: 12_000 } as const satisfies Record<Notice['kind'], number>;

export const notices = signal<readonly Notice[]>([]);

export function notify(text: string, kind: Notice['kind'] = 'info'): void {
  const notice: Notice = { text, kind };
  notices.value = [...notices.value.slice(1 - mostShown), notice];
  setTimeout(() => dismiss(notice), millisecondsShown[kind]);
}

export function notifyError(error: unknown): void {
  notify(error instanceof Error ? error.message : String(error), 'error');
}

export function dismiss(notice: Notice): void {
  notices.value = notices.value.filter(other => other !== notice);
}
