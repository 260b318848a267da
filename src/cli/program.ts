/** The command line put together: all commands, and what errors and Ctrl-C become. */
import { Command, CommanderError } from 'commander';
import pc from 'picocolors';
import { DuetError, isInputFault } from '../core/errors.ts';
import { packageVersion } from '../core/package-root.ts';
import { loadPipeline } from '../pipelines/index.ts';
import { registerAsk } from './ask.ts';
import { registerChat } from './chat.ts';
import { registerDemo } from './demo.ts';
import { registerEval } from './eval.ts';
import { registerGibbs } from './gibbs.ts';
import { registerI2t } from './i2t.ts';
import { registerImage } from './image.ts';
import { registerInpaint } from './inpaint.ts';
import { registerInspect } from './inspect.ts';
import { registerInterpolate } from './interpolate.ts';
import { registerJoint } from './joint.ts';
import { debugOption } from './options.ts';
import { registerPack } from './pack.ts';
import { registerRephrase } from './rephrase.ts';
import type { CommandContext } from './sampling-command.ts';
import { registerT2i } from './t2i.ts';
import { type Terminal, write } from './terminal.ts';
import { registerText } from './text.ts';
import { registerTrain } from './train.ts';
import { registerVary } from './vary.ts';

const examples = `
Examples:
  $ duet t2i "an apple on a blue background" -n 4 --seed 1 -o apples.png
  $ duet i2t apples.png
  $ duet joint -n 4 --json
  $ duet interpolate "an apple" "a banana" -o fruit.webp
  $ duet inpaint apples.png --mask mask.png --caption "a red apple"
  $ duet inspect apples.png
  $ echo "two cats" | duet t2i - -o - > cats.png
`;

/** Adds a command to the program. */
export type RegisterCommand = (program: Command, context: CommandContext) => void;

/** Beside the arguments: how models are loaded, and commands that only the whole program has, such as the server's. */
export interface CliParts {
  readonly load?: CommandContext['load'];
  readonly commands?: readonly RegisterCommand[];
}

/** Exit codes: 0 done, 1 failed, 2 wrong input or usage, 130 cancelled (by which signal is the process's to say). */
export async function runCli(args: readonly string[], terminal: Terminal, parts: CliParts = {}): Promise<number> {
  const program = createProgram({ terminal, load: parts.load ?? loadPipeline }, parts.commands ?? []);
  try {
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    return report(error, terminal, program.opts<{ debug: boolean }>().debug);
  }
}

function createProgram(context: CommandContext, commands: readonly RegisterCommand[]): Command {
  const { terminal } = context;
  const program = new Command('duet')
    .description('One model that draws, describes and imagines: text to image, image to text, both at once.')
    .version(packageVersion())
    .addOption(debugOption())
    .addHelpText('after', examples)
    .showHelpAfterError('(duet --help lists the commands, duet COMMAND --help its options)')
    .exitOverride()
    .configureOutput({
      writeOut: text => terminal.stdout.write(text),
      writeErr: text => terminal.stderr.write(text),
    });
  registerT2i(program, context);
  registerI2t(program, context);
  registerJoint(program, context);
  registerImage(program, context);
  registerText(program, context);
  registerVary(program, context);
  registerRephrase(program, context);
  registerGibbs(program, context);
  registerInterpolate(program, context);
  registerInpaint(program, context);
  registerAsk(program, context);
  registerChat(program, context);
  registerInspect(program, context);
  registerTrain(program, context);
  registerEval(program, context);
  registerPack(program, context);
  registerDemo(program, context);
  for (const register of commands) register(program, context);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

async function report(error: unknown, { stderr, signal }: Terminal, debug: boolean): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // it has printed its message
  if (signal.aborted) {
    await write(stderr, `${pc.yellow('Cancelled.')}\n`);
    return 130;
  }
  const message = error instanceof Error ? error.message : String(error);
  await write(stderr, `${pc.red('Error:')} ${message}\n`);
  if (debug && error instanceof Error) await write(stderr, `${pc.dim(error.stack ?? '')}\n`);
  if (DuetError.isInstance(error)) return isInputFault(error.code) ? 2 : 1;
  if (!debug) await write(stderr, pc.dim('Add --debug to see where it happened.\n'));
  return 1;
}
