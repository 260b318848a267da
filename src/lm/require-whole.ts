/** The check of numbers that count something. */
import { DuetError } from '../core/errors.ts';

/**
 * @param values by the names of the options that they are
 * @throws DuetError 'invalid-argument' unless all are whole numbers from 1 on
 */
export function requireWhole(values: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw new DuetError('invalid-argument', `${name} must be a whole number from 1 on, got ${value}`, { field: name });
  }
}
