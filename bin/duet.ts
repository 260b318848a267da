#!/usr/bin/env node
/** The process around the command line: all commands put together, streams, signals and the exit code. */
import { serverCommands } from '../server/commands/index.ts';
import { runCli } from '../src/cli/program.ts';

const controller = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (controller.signal.aborted) endNow(signal);
    controller.abort();
  });
}

/** A second Ctrl-C does not wait for the current step. `process.exit` would: it joins the thread that computes, badly. */
function endNow(signal: 'SIGINT' | 'SIGTERM'): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of a pipe has seen enough
  throw error;
});

const { stdin, stdout, stderr } = process;
const terminal = { stdin, stdout, stderr, signal: controller.signal };
process.exitCode = await runCli(process.argv.slice(2), terminal, { commands: serverCommands });
