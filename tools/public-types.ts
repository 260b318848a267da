/**
 * After `tsc`: the declarations that the package ships, as one file. TypeScript writes one for every module, and those
 * of the modules behind the public API import the types of TensorFlow.js, which do not compile under `skipLibCheck: false`.
 * Here what `src/index.ts` exports is put together with all that it needs, and the other declarations are removed.
 */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const entry = join(dist, 'src/index.d.ts');

const bundle = await rollup({
  input: entry,
  plugins: [dts()],
  external: id => !/^[./]/.test(id) && !id.startsWith(dist),
});
const {
  output: [{ code }],
} = await bundle.generate({ format: 'es' });
const declarations = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.d.ts'));
for (const name of declarations) rmSync(join(dist, name));
const values = Object.keys(await import(join(dist, 'src/index.js')));
writeFileSync(entry, withoutArrayGenerics(exportedAsTypes(code, values)));

/** Classes that the API exports as types alone are exported as types here too: their constructors are not there. */
function exportedAsTypes(code: string, values: readonly string[]): string {
  return code.replace(/^export \{ (.+) \};$/gm, (_, names: string) =>
    names
      .split(', ')
      .map(name => `export ${values.includes(name) ? '' : 'type '}{ ${name} };`)
      .join('\n'),
  );
}

/** Typed arrays take a type argument since TypeScript 5.7; what their `from` returns has the same type without one. */
function withoutArrayGenerics(code: string): string {
  return code
    .replace(/\b(\w+Array)<ArrayBufferLike>/g, '$1')
    .replace(/\b(\w+Array)<ArrayBuffer>/g, "ReturnType<$1Constructor['from']>");
}
