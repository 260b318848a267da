#!/usr/bin/env node
/** The process around the command line: all commands put together, streams, signals and the exit code. */

/** What a shell reports of a process that such a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

const controller = new AbortController();
let cancelledCode: number = exitCodes.SIGINT;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one does not wait for anything: what computes does so in a process of its own, which ends with this one.
    if (controller.signal.aborted) process.exit(exitCodes[signal]);
    cancelledCode = exitCodes[signal];
    controller.abort();
  });
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of a pipe has seen enough
  throw error;
});

// Loaded only now: a signal that comes meanwhile is heard.
const [{ serverCommands }, { runCli }] = await Promise.all([
  import('../server/commands/index.ts'),
  import('../src/cli/program.ts'),
]);
const { stdin, stdout, stderr } = process;
const terminal = { stdin, stdout, stderr, signal: controller.signal };
const code = await runCli(process.argv.slice(2), terminal, { commands: serverCommands });
process.exitCode = code === exitCodes.SIGINT ? cancelledCode : code;
