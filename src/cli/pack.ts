/** `duet pack`: write a trained model in half precision, ready to be shared. */
import type { Command } from 'commander';
import { checkFolder } from '../core/folders.ts';
import { type PackOptions, packModel } from '../pipelines/index.ts';
import type { CommandContext } from './sampling-command.ts';
import { write } from './terminal.ts';

export function registerPack(program: Command, { terminal }: CommandContext): void {
  program
    .command('pack')
    .description('write a model folder in half precision, ready to be shared')
    .argument('<from>', 'a model folder, such as runs/emoji-joint/model')
    .argument('<to>', 'the folder to write')
    .option('--name <name>', 'a new name for the model')
    .option('--diffusion <model>', 'of a chat model: draw with this one, an embedded model or a folder')
    .action(async (from: string, to: string, options: PackOptions) => {
      await checkFolder(to);
      const bytes = await packModel(from, to, options);
      await write(terminal.stdout, `${to} (${(bytes / 2 ** 20).toFixed(1)} MiB)\n`);
    });
}
