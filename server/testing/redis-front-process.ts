/** A server to be killed whose jobs are done by workers. Arguments: the address of Redis, its own port, its data folder. */
import { serverConfig } from '../config.ts';
import { startServer } from '../serve.ts';
import { fakeModel } from './fake-model.ts';

const [queue = '', port = '0', data = ''] = process.argv.slice(2);
await startServer({
  config: serverConfig({ queue, port: Number(port), data, logLevel: 'silent', maxEventLoopDelay: 0 }),
  load: async () => ({ info: fakeModel().info, model: null }),
  logs: { write: () => {} },
});
process.stdout.write('ready\n');
