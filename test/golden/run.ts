/**
 * `npm run test:golden`: one line per golden file with pass or fail, the largest error on each backend, and its tolerance.
 * GOLDEN_DIR picks another folder; arguments pick files ("vae uvit-v0"). Exit code 1 when something fails.
 */
import pc from 'picocolors';
import type { CaseResult } from './compare.ts';
import { type GoldenBackend, goldenFolder, readGolden, type Suite } from './harness.ts';
import { listGoldenFiles, loadSuites } from './suites.ts';

const backends: readonly GoldenBackend[] = ['reference', 'cpu'];

/** The result that comes nearest to its limit, or goes farthest beyond it. */
function worstOf(results: readonly CaseResult[]): CaseResult | undefined {
  return results.reduce<CaseResult | undefined>((a, b) => (a && a.ratio >= b.ratio ? a : b), undefined);
}

function tolerance({ tolerance: { atol, rtol } }: CaseResult): string {
  return atol === 0 && rtol === 0 ? 'exact' : `tolerance ${atol.toExponential(0)} + ${rtol.toExponential(0)} |x|`;
}

/** Runs one file on both backends and prints its line; whether all of it passes. */
async function runFile(file: string, suite: Suite): Promise<boolean> {
  const golden = await readGolden(file);
  const skipped = suite.skips?.(golden) ?? [];
  if (skipped.length > 0) console.log(`${pc.dim('skip')}  ${file}: cases of ${skipped.join(', ')}`);
  const perBackend: (readonly [GoldenBackend, readonly CaseResult[]])[] = [];
  try {
    for (const backend of backends) perBackend.push([backend, await suite.run(golden, backend)]);
  } catch (error) {
    console.log(`${pc.red('FAIL')}  ${file.padEnd(24)} ${error instanceof Error ? error.message : error}`);
    return false;
  }
  const all = perBackend.flatMap(([, results]) => results);
  const failed = perBackend.flatMap(([backend, results]) =>
    results.filter(({ pass }) => !pass).map(result => ({ backend, ...result })),
  );
  const worst = worstOf(all);
  const pass = failed.length === 0 && worst !== undefined;
  const errors = perBackend.map(
    ([backend, results]) => `${backend} ${(worstOf(results)?.error ?? 0).toExponential(1)}`,
  );
  const status = pass ? pc.green('pass') : pc.red('FAIL');
  const figures = worst
    ? `largest error ${errors.join(', ')}; ${tolerance(worst)}; ${all.length} values`
    : 'no values were compared';
  console.log(`${status}  ${file.padEnd(24)} ${figures}`);
  for (const { backend, name, detail } of failed) console.log(`      ${backend}: ${name}: ${detail}`);
  return pass;
}

async function main(names: readonly string[]): Promise<boolean> {
  const suites = await loadSuites();
  const files = (await listGoldenFiles()).filter(
    file => names.length === 0 || names.includes(file) || names.includes(file.replace('.json', '')),
  );
  if (files.length === 0) {
    console.error(`No golden files in ${goldenFolder()}${names.length > 0 ? ` match ${names.join(', ')}` : ''}`);
    return false;
  }
  let allPass = true;
  for (const file of files) {
    const suite = suites.get(file);
    if (!suite) console.log(`${pc.dim('skip')}  ${file}: not built`);
    else if (!(await runFile(file, suite))) allPass = false;
  }
  return allPass;
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
