/** The commands of `duet` that need the server. The command line itself does not know the server. */
import type { RegisterCommand } from '../../src/cli/program.ts';
import { registerDoctor } from './doctor.ts';
import { registerServe } from './serve.ts';
import { registerWorker } from './worker.ts';

export const serverCommands: readonly RegisterCommand[] = [registerServe, registerWorker, registerDoctor];
