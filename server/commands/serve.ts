/** `duet serve`: the API and the page, until the process is told to stop. */
import type { Command } from 'commander';
import pc from 'picocolors';
import type { CommandContext } from '../../src/cli/sampling-command.ts';
import { type Terminal, write } from '../../src/cli/terminal.ts';
import type { ServerConfig } from '../config.ts';
import { addServerOptions, resolveFlags, type ServerFlags } from './server-options.ts';

/** Beyond the time that running jobs get, to write and release; then the process ends anyway. */
const releaseMs = 15_000;

export function registerServe(program: Command, { terminal }: CommandContext): void {
  addServerOptions(program.command('serve').description('offer the API and the page on an address')).action(
    (flags: ServerFlags) => runServe(terminal, flags),
  );
}

async function runServe(terminal: Terminal, flags: ServerFlags): Promise<void> {
  const { config } = await resolveFlags(flags);
  // Fastify and its plugins, which other commands do not wait for.
  const [{ startServer }, { describeServed, loadModel }, { default: closeWithGrace }] = await Promise.all([
    import('../serve.ts'),
    import('../load-model.ts'),
    import('close-with-grace'),
  ]);
  const { stderr, stdout, signal } = terminal;
  const server = await startServer({
    config,
    load: config.queue === null ? loadModel : describeServed,
    logs: stderr,
    signal,
  });
  const grace = closeWithGrace(
    { delay: config.shutdownSeconds * 1000 + releaseMs, logger: false },
    async ({ err: error }) => {
      if (error) server.logError(error, 'the server stops because of an error nobody expected');
      else await write(stderr, 'Stopping: running jobs get time to finish. Once more ends at once.\n');
      await server.close();
    },
  );
  signal.addEventListener('abort', () => void server.close(), { once: true });
  await write(stdout, greeting(server.addresses, config));
  await server.closed;
  grace.uninstall();
}

function greeting([url = '', ...others]: readonly string[], { apiKeys, host, data }: ServerConfig): string {
  const isOpen = apiKeys.length === 0 && !/^(127\.|localhost$|::1$)/.test(host);
  return [
    `Duet listens on ${pc.cyan(url)}`,
    ...others.map(other => `  in the network: ${pc.cyan(other)}`),
    `  page ${url}/   API ${url}/v1   documentation ${url}/docs`,
    `  results ${data === null ? 'are kept in memory only' : `go to ${data}`}`,
    ...(isOpen ? [pc.yellow('  Everybody who reaches this address may use it: set DUET_API_KEYS.')] : []),
    '',
  ].join('\n');
}
