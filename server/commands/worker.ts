/** `duet worker`: takes jobs from a queue on Redis that `duet serve --queue` fills, until the process is told to stop. */
import type { Command } from 'commander';
import type { CommandContext } from '../../src/cli/sampling-command.ts';
import { type Terminal, write } from '../../src/cli/terminal.ts';
import { addServerOptions, resolveFlags, type ServerFlags } from './server-options.ts';

/** Beyond the time that running jobs get, to release; then the process ends anyway. */
const releaseMs = 15_000;

export function registerWorker(program: Command, { terminal }: CommandContext): void {
  addServerOptions(program.command('worker').description('do the jobs of servers that share a queue on Redis')).action(
    (flags: ServerFlags) => runWorker(terminal, flags),
  );
}

async function runWorker({ stdout, stderr, signal }: Terminal, flags: ServerFlags): Promise<void> {
  const { config } = await resolveFlags(flags);
  const [{ startWorker }, { loadModel }, { default: closeWithGrace }] = await Promise.all([
    import('../worker.ts'),
    import('../load-model.ts'),
    import('close-with-grace'),
  ]);
  const worker = await startWorker({ config, load: loadModel, logs: stderr, signal });
  const grace = closeWithGrace({ delay: config.shutdownSeconds * 1000 + releaseMs, logger: false }, () =>
    worker.close(),
  );
  signal.addEventListener('abort', () => void worker.close(), { once: true });
  const { model, maxRunning } = config;
  await write(stdout, `Worker of the model ${model}: up to ${maxRunning} jobs together. Ctrl-C ends it.\n`);
  await worker.closed;
  grace.uninstall();
}
