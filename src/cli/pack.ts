/** `duet pack`: write a trained model in half precision, ready to be shared. */
import type { Command } from 'commander';
import { checkFolder } from '../core/folders.ts';
import { packModel } from '../pipelines/index.ts';
import type { CommandContext } from './sampling-command.ts';
import { write } from './terminal.ts';

export function registerPack(program: Command, { terminal }: CommandContext): void {
  program
    .command('pack')
    .description('write a model folder in half precision, ready to be shared')
    .argument('<from>', 'a model folder, such as runs/emoji-joint/model')
    .argument('<to>', 'the folder to write')
    .option('--name <name>', 'a new name for the model')
    .action(async (from: string, to: string, { name }: { name?: string }) => {
      await checkFolder(to);
      const bytes = await packModel(from, to, name);
      await write(terminal.stdout, `${to} (${(bytes / 2 ** 20).toFixed(1)} MiB)\n`);
    });
}
