/** JSON files from outside. */
import { DuetError, type ErrorCode } from './errors.ts';
import { readTextFile } from './text.ts';

/** @throws DuetError `code` if it is not JSON, and what `readFile` throws */
export async function readJsonFile(file: string, code: ErrorCode = 'invalid-config'): Promise<unknown> {
  return parseJsonText(await readTextFile(file, code), file, code);
}

/** As `readJsonFile`; undefined if there is no such file. */
export async function readOptionalJsonFile(file: string, code: ErrorCode = 'invalid-config'): Promise<unknown> {
  const text = await readOptionalTextFile(file, code);
  return text === undefined ? undefined : parseJsonText(text, file, code);
}

/** The text of a file; undefined if there is no such file. */
export async function readOptionalTextFile(
  file: string,
  code: ErrorCode = 'invalid-config',
): Promise<string | undefined> {
  try {
    return await readTextFile(file, code);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseJsonText(text: string, file: string, code: ErrorCode): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DuetError(code, `${file} is not JSON`, { cause: error });
  }
}
