/**
 * A worker to be killed or stopped. Arguments: the address of Redis, the pace of its stand-in model ('stepwise' never ends a
 * job, a number is milliseconds a step), the lock, and the time that jobs get on SIGTERM, both in milliseconds.
 */
import { startRedisWorker } from '../jobs/redis/worker.ts';
import { fakeModel } from './fake-model.ts';

const [url = '', pace = '0', lock = '1000', drain = '0'] = process.argv.slice(2);
const worker = await startRedisWorker({
  url,
  model: pace === 'stepwise' ? fakeModel({ pace }) : fakeModel({ stepMs: Number(pace) }),
  concurrency: 4,
  lockMs: Number(lock),
  log: { error: () => {} },
});
process.once('SIGTERM', () => void worker.close(Number(drain)).then(() => process.stdout.write('closed\n')));
process.stdout.write('ready\n');
