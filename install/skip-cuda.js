/**
 * Runs before the install scripts of the packages that Duet depends on: npm runs the `preinstall` scripts of all packages
 * first. ONNX Runtime's own script downloads its CUDA libraries, about 300 MB that Duet does not use, from a host that is
 * not the npm registry, unless the files are there already. So a note is put where each of them would be.
 * The copy of ONNX Runtime is Duet's alone: its name here is an alias, so no other package's copy is changed.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const note = `Put here when Duet was installed, so that ONNX Runtime's install script does not download this library.
To get it: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime
`;

/**
 * @param {string} runtime folder of the package onnxruntime-node
 * @param {{ requirements: Record<string, string[]>, manifests: Record<string, Record<string, unknown>> }} metadata
 * @returns {string[]} the files that its install script would download on this platform
 */
function downloads(runtime, { requirements, manifests }) {
  const platform = `${process.platform}/${process.arch}`;
  return (requirements[platform] ?? [])
    .flatMap(name => Object.keys(manifests[`${platform}:${name}`] ?? {}))
    .map(file => join(runtime, 'bin/napi-v6', platform, file));
}

try {
  const require = createRequire(import.meta.url);
  const runtime = dirname(require.resolve('onnxruntime/package.json'));
  const missing = downloads(runtime, require('onnxruntime/script/install-metadata.js')).filter(
    file => !existsSync(file),
  );
  for (const file of missing) writeFileSync(file, note);
} catch (error) {
  // Duet works with or without these files, so installing goes on.
  console.warn(`The CUDA download of ONNX Runtime could not be switched off: ${error}`);
}
