/**
 * Trains the embedded model further on a folder of pictures with captions beside them, and draws with the result.
 * `npx tsx examples/fine-tune.ts` where Duet is installed; in a clone, whose program is `npm run duet --`:
 * `npx tsx examples/fine-tune.ts npm run duet --`. 30 steps show how it goes; leave --steps out to learn something.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Duet } from 'duet';

const [program = 'duet', ...programArgs] = process.argv.slice(2);
const [pairs, run] = [resolve('out/pairs'), resolve('out/fine-tuned')];

// A stand-in for your own pictures: NAME.png with its caption in NAME.txt.
await mkdir(pairs, { recursive: true });
const teacher = await Duet.load('emoji');
for (const caption of ['a cat on a red background', 'two dogs', 'an apple under a tree', 'a blue house']) {
  const { samples } = await teacher.textToImage(caption, { seed: 3 });
  await writeFile(`${pairs}/${caption}.png`, await samples[0]!.image.toPng());
  await writeFile(`${pairs}/${caption}.txt`, caption);
}
await teacher.release();

const args = [...programArgs, 'train', '--data', pairs, '--from', 'emoji', '--steps', '30', '--out', run];
const [code] = await once(spawn(program, args, { stdio: 'inherit' }), 'exit');
if (code !== 0) throw new Error(`training ended with exit code ${code}`);

const model = await Duet.load(`${run}/model`);
const { samples } = await model.textToImage('a cat on a red background', { seed: 1 });
await writeFile('out/fine-tuned.png', await samples[0]!.image.toPng());
await model.release();
