#!/usr/bin/env node
/** The process around the command line: streams, Ctrl-C and the exit code. */
import { runCli } from './program.ts';

const controller = new AbortController();
process.on('SIGINT', () => {
  if (controller.signal.aborted) process.exit(130); // a second Ctrl-C does not wait for the current step
  controller.abort();
});
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0); // the reader of a pipe has seen enough
  throw error;
});

const { stdin, stdout, stderr } = process;
process.exitCode = await runCli(process.argv.slice(2), { stdin, stdout, stderr, signal: controller.signal });
