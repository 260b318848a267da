/** A worker to be killed: arguments are the address of Redis, the pace of its stand-in model and the lock in milliseconds. */
import { startRedisWorker } from '../jobs/redis/worker.ts';
import { fakeModel } from './fake-model.ts';

const [url = '', pace = 'instant', lock = '1000'] = process.argv.slice(2);
await startRedisWorker({
  url,
  model: fakeModel({ pace: pace === 'stepwise' ? 'stepwise' : 'instant' }),
  concurrency: 4,
  lockMs: Number(lock),
  log: { error: () => {} },
});
process.stdout.write('ready\n');
