/** Finds the suite of a golden file: every module in suites/ exports `file` and `run` (see `Suite`). */
import { readdir } from 'node:fs/promises';
import { goldenFolder, type Suite } from './harness.ts';

/** The golden files of the folder, sorted. */
export async function listGoldenFiles(): Promise<string[]> {
  return (await readdir(goldenFolder())).filter(name => name.endsWith('.json')).sort();
}

/** Suites by the file they cover. */
export async function loadSuites(): Promise<Map<string, Suite>> {
  const folder = new URL('./suites/', import.meta.url);
  const suites = new Map<string, Suite>();
  for (const name of (await readdir(folder)).filter(name => name.endsWith('.ts')).sort()) {
    const suite = (await import(new URL(name, folder).href)) as Suite;
    for (const file of [suite.file].flat()) suites.set(file, suite);
  }
  return suites;
}
