/** Files with a JSON object a line. */
import type Type from 'typebox';
import { Value } from 'typebox/value';
import { DuetError } from '../../../core/errors.ts';
import { readTextFile } from '../../../core/text.ts';

/**
 * What each line says; empty lines say nothing.
 * @throws DuetError 'invalid-argument' naming the line and what is wrong with it, or the file if it says nothing
 */
export async function jsonLines<T extends Type.TSchema>(
  file: string,
  schema: T,
): Promise<{ readonly value: Type.Static<T>; readonly origin: string }[]> {
  const lines = (await readTextFile(file))
    .split('\n')
    .map((line, index) => ({ line, origin: `${file}, line ${index + 1}` }));
  const read = lines
    .filter(({ line }) => line.trim() !== '')
    .map(({ line, origin }) => {
      let value: unknown;
      try {
        value = JSON.parse(line);
      } catch (error) {
        throw new DuetError('invalid-argument', `${origin} is not JSON: ${(error as Error).message}`, { cause: error });
      }
      if (Value.Check(schema, value)) return { value, origin };
      const [first] = Value.Errors(schema, value);
      throw new DuetError(
        'invalid-argument',
        `${origin}: ${first?.instancePath || 'the line'} ${first?.message ?? ''}`,
      );
    });
  if (read.length === 0) throw new DuetError('invalid-argument', `${file} has no lines`);
  return read;
}
