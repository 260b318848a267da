/** Classifies failures of the data folder: full, read-only or defective, and whether more space would fix them. */
import { DuetError } from '../../src/core/errors.ts';

/** The error codes of the operating system for a lack of space. */
const full: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up, so the disk is full for this user',
};

const hints: Readonly<Record<string, string>> = {
  EROFS: 'the disk is read-only; mount it writable',
  EACCES: 'this process may not write there; mend its owner or mode',
  EPERM: 'this process may not write there; mend its owner or mode',
  EIO: 'the disk fails; see the log of the operating system',
  EMFILE: 'this process has too many files open; raise its limit (ulimit -n)',
  ENFILE: 'the machine has too many files open; raise its limit',
  ENOENT: 'the folder is gone; make it again',
};

function systemCode(error: unknown): string | undefined {
  const code = DuetError.isInstance(error) ? undefined : (error as NodeJS.ErrnoException | null)?.code;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** Whether more space would mend it: a state that passes. */
export function isFullDisk(error: unknown): boolean {
  return Object.hasOwn(full, systemCode(error) ?? '');
}

/** What to do about an error of the operating system, if there is something. */
export function hintOf(error: unknown): string | undefined {
  const code = systemCode(error) ?? '';
  return Object.hasOwn(hints, code) ? `${hints[code]} (${code})` : undefined;
}

/** A failed operation on `folder` as an error for clients: 507 for want of room, 503 for all else. */
export function toStorageError(error: unknown, folder: string): unknown {
  const code = systemCode(error);
  if (code === undefined) return error;
  const options = { cause: error };
  if (isFullDisk(error)) {
    return new DuetError(
      'storage-full',
      `Results cannot be kept in the data folder ${folder}: ${full[code]} (${code}); free some space there, delete jobs or choose another folder with --data`,
      options,
    );
  }
  const hint = hintOf(error) ?? `see the log of the server (${code})`;
  return new DuetError(
    'overloaded',
    `The data folder ${folder} cannot be used at the moment: ${hint}; try again later`,
    options,
  );
}

/** Whether the place where jobs are kept failed, rather than the job. */
export function isStorageError(error: unknown): error is DuetError {
  return DuetError.isInstance(error) && (error.code === 'storage-full' || error.code === 'overloaded');
}
