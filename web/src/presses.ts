/**
 * Distinguishes intended presses from accidental ones: a double click, Enter pressed twice, a double tap, or another press
 * while the action of the first one is running all count as one press.
 */

/** Milliseconds within which people press twice and mean once; double clicks have up to 500 by default. */
export const longestPause = 700;

/** Stops the later clicks of a double click whose first one closed a dialog: what lies beneath was not meant. */
export function ignoreClicksThrough(page: Document): void {
  let pressedIn: HTMLDialogElement | null = null;
  page.addEventListener(
    'click',
    event => {
      if (event.detail <= 1) pressedIn = (event.target as Element).closest('dialog');
      if (!pressedIn || pressedIn.open) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}

/** Runs `act` for `subject`, unless the last press of this name was for the same subject and goes on, or was just now. */
export type Press = (name: string, subject: unknown, act: () => Promise<void>) => Promise<void>;

export function createPress(now: () => number = () => Date.now()): Press {
  const presses = new Map<string, { readonly subject: unknown; at: number; isAnswered: boolean }>();
  return async (name, subject, act) => {
    const last = presses.get(name);
    const at = now();
    if (last && last.subject === subject) {
      const isSame = !last.isAnswered || Math.abs(at - last.at) < longestPause;
      last.at = at;
      if (isSame) return;
    }
    const press = { subject, at, isAnswered: false };
    presses.set(name, press);
    try {
      await act();
    } finally {
      press.isAnswered = true;
    }
  };
}
