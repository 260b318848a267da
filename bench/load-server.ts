/** The server under load, in a process of its own: tells where it listens, and every second how it is. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { buildApp } from '../server/app.ts';
import { serverConfig } from '../server/config.ts';
import { loadModel } from '../server/load-model.ts';
import type { ServerSample } from './load.ts';

/** Small enough that the load is far beyond it. */
const limits = { maxRunning: 8, maxQueue: 16 };
const data = await mkdtemp(join(tmpdir(), 'duet-load-'));
const loaded = await loadModel('emoji', {});
const app = await buildApp({ config: serverConfig({ ...limits, data }), models: [loaded] });
process.send!({ origin: await app.listen({ host: '127.0.0.1', port: 0 }) });

const delays = monitorEventLoopDelay({ resolution: 10 });
let told: NodeJS.Timeout | undefined;

/** From here on, when graphs are recorded and caches are warm. */
function measure(): void {
  delays.enable();
  told = setInterval(() => {
    const sample: ServerSample = {
      rssMiB: process.memoryUsage().rss / 2 ** 20,
      delayP99: delays.percentile(99) / 1e6,
      delayMax: delays.max / 1e6,
    };
    process.send!(sample);
  }, 1000);
}

async function stop(): Promise<void> {
  clearInterval(told);
  await app.close();
  await loaded.model.release();
  await rm(data, { recursive: true });
  process.disconnect();
}

process.on('message', message => void (message === 'measure' ? measure() : stop()));
process.once('disconnect', () => process.exit());
