/**
 * `npm run test:golden`: one line per golden file and backend with the largest error, its tolerance, and pass or fail.
 * GOLDEN_DIR picks another folder; arguments pick files ("vae uvit-v0"). Exit code 1 when something fails.
 */
import pc from 'picocolors';
import { type CaseResult, type GoldenBackend, goldenFolder, readGolden } from './harness.ts';
import { listGoldenFiles, loadSuites } from './suites.ts';

const backends: readonly GoldenBackend[] = ['reference', 'cpu'];

/** Part of the line of a file whose values are all exact, such as tokens. */
function describe(results: readonly CaseResult[]): string {
  const numeric = results.filter(result => result.tolerance.atol > 0);
  const worst = numeric.reduce<CaseResult | undefined>((a, b) => (a && a.ratio >= b.ratio ? a : b), undefined);
  if (!worst) return 'exact';
  const { atol, rtol } = worst.tolerance;
  return `largest error ${worst.error.toExponential(1)} of ${atol.toExponential(0)} + ${rtol.toExponential(0)} |x|`;
}

async function main(names: readonly string[]): Promise<boolean> {
  const suites = await loadSuites();
  const files = (await listGoldenFiles()).filter(
    file => names.length === 0 || names.includes(file) || names.includes(file.replace('.json', '')),
  );
  let allPass = files.length > 0;
  if (files.length === 0) console.error(`No golden files in ${goldenFolder()}${names.length > 0 ? ' match' : ''}`);
  for (const file of files) {
    const suite = suites.get(file);
    if (!suite) {
      console.log(`${pc.dim('skip')}  ${file}: not built`);
      continue;
    }
    const golden = await readGolden(file);
    const skipped = suite.skips?.(golden) ?? [];
    if (skipped.length > 0) console.log(`${pc.dim('skip')}  ${file}: cases of ${skipped.join(', ')}`);
    for (const backend of backends) {
      const results = await suite.run(golden, backend);
      const failed = results.filter(result => !result.pass);
      const status = failed.length === 0 ? pc.green('pass') : pc.red('FAIL');
      console.log(`${status}  ${file.padEnd(24)} ${backend.padEnd(9)} ${results.length} values, ${describe(results)}`);
      for (const { name, detail } of failed) console.log(`      ${name}: ${detail}`);
      allPass &&= failed.length === 0;
    }
  }
  return allPass;
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
