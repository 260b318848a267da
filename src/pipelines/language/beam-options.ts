/** How a text is searched for with beams: as the call says, or else the model. */
import { DuetError } from '../../core/errors.ts';
import type { BeamOptions } from '../../lm/index.ts';
import type { SamplingDefaults } from './text-files.ts';

/** Those of a call that concern beams. */
export interface SearchOptions {
  /**
   * Searches for the most probable text with so many beams at once, instead of choosing token by token; its words come when it is
   * found. Not together with a temperature above 0, `topK`, `topP` or `minP`, nor of models that draw. @default the model's, mostly 1
   */
  readonly beams?: number;
  /** Of beams: above 0 favours long texts, below 0 short ones. @default the model's, mostly 1 */
  readonly lengthPenalty?: number;
}

interface GivenOptions extends SearchOptions {
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
}

/**
 * Undefined where tokens are chosen one by one: also where a model that searches is asked for a temperature.
 * @throws DuetError 'invalid-argument'
 */
export function searchOptions(
  options: GivenOptions,
  defaults: SamplingDefaults,
): Omit<BeamOptions, 'repetitionPenalty'> | undefined {
  const { temperature = 0, lengthPenalty = defaults.lengthPenalty ?? 1 } = options;
  const { beams = temperature > 0 ? 1 : (defaults.beams ?? 1) } = options;
  if (!Number.isSafeInteger(beams) || beams < 1) {
    throw refused('beams', `beams must be a whole number from 1 on, got ${beams}`);
  }
  if (!Number.isFinite(lengthPenalty))
    throw refused('lengthPenalty', `lengthPenalty must be a number, got ${lengthPenalty}`);
  if (beams === 1) {
    if ((options.lengthPenalty ?? 1) === 1) return undefined; // 1 is what clients send who wish nothing
    throw refused('lengthPenalty', 'lengthPenalty acts on beams: give beams of 2 or more, or leave it out');
  }
  const drawn = (['temperature', 'topK', 'topP', 'minP'] as const).find(name => (options[name] ?? 0) > 0);
  if (drawn !== undefined) {
    throw refused(drawn, `beams find the most probable text, and no token of it is drawn: leave out ${drawn} or beams`);
  }
  return { beams, lengthPenalty, earlyStopping: defaults.earlyStopping ?? false };
}

function refused(field: string, message: string): DuetError {
  return new DuetError('invalid-argument', message, { field });
}
