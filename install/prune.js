/**
 * Makes an installation smaller, for containers and archives: removes what this platform never reads, the ONNX Runtime
 * binaries of other platforms and the source maps of TensorFlow.js. In a clone: `node install/prune.js`; in a project that
 * uses Duet: `node node_modules/duet/install/prune.js`. `npm ci` brings everything back.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, sep } from 'node:path';

const require = createRequire(import.meta.url);

/** @param {string} folder @returns {string[]} the files below it */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
}

const binaries = join(dirname(require.resolve('onnxruntime/package.json')), 'bin');
const own = join('napi-v6', process.platform, process.arch) + sep;
const tensorflow = dirname(dirname(require.resolve('@tensorflow/tfjs/package.json')));

const unread = [
  ...filesBelow(binaries).filter(file => !relative(binaries, file).startsWith(own)),
  ...filesBelow(tensorflow).filter(file => file.endsWith('.map')),
];
const bytes = unread.reduce((sum, file) => sum + statSync(file).size, 0);
for (const file of unread) rmSync(file);
console.log(`${unread.length} files removed, ${Math.round(bytes / 2 ** 20)} MiB`);
