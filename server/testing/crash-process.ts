/** A process to be killed: takes jobs into the data folder of its argument, tells their ids, and never finishes one. */
import { openFileStore } from '../jobs/file-store.ts';
import { InProcessJobs } from '../jobs/in-process.ts';
import { fakeModel } from './fake-model.ts';
import { jobLimits } from './job-limits.ts';

const [folder = ''] = process.argv.slice(2);
const mebibyte = 2 ** 20;

const jobs = await InProcessJobs.open({
  models: [fakeModel({ pace: 'stepwise' })],
  store: await openFileStore(folder, () => {}),
  limits: jobLimits({ maxRunning: 1, maxQueue: 10, maxBytes: mebibyte }),
  unfinished: 'requeue',
  log: { error: () => {} },
  observers: [],
  version: '0.0.0',
});
const owner = 'tester';
const ids: string[] = [];
for (let seed = 0; seed < 3; seed++) {
  const { id } = await jobs.submit({ mode: 'i2t', image: new Uint8Array([137, seed]), seed }, { owner });
  ids.push(id);
}
process.stdout.write(`${ids.join(' ')}\n`);
setInterval(() => {}, 1000);
