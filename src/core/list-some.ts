/** Lists of names in messages. */

/** How many names a message lists before it says how many more there are. */
const LISTED = 10;

/** "a, b, c", or the first ten and how many more there are. */
export function listSome(names: readonly string[]): string {
  const more = names.length - LISTED;
  return more > 0 ? `${names.slice(0, LISTED).join(', ')} and ${more} more` : names.join(', ');
}
