/** `duet ask`: a question about a picture. */
import type { Command } from 'commander';
import {
  addChatOptions,
  type ChatFlags,
  chatOptions,
  loadChatModel,
  systemMessages,
  writeAnswer,
} from './chat-model-options.ts';
import { readCaption, readPicture } from './inputs.ts';
import { jsonOption } from './options.ts';
import type { CommandContext } from './sampling-command.ts';
import { write } from './terminal.ts';

export function registerAsk(program: Command, { terminal }: CommandContext): void {
  const command = program
    .command('ask')
    .description('ask about a picture')
    .argument('<picture>', 'a picture file or its address (https://...), or - to read it from standard input')
    .argument('[question]', 'in words; without it the model says what it sees');
  addChatOptions(command)
    .addOption(jsonOption())
    .action(async (picture: string, question: string | undefined, flags: ChatFlags & { readonly json: boolean }) => {
      const text = question === undefined ? undefined : await readCaption(terminal, question);
      const image = await readPicture(terminal, picture);
      const model = await loadChatModel(terminal, flags);
      try {
        const messages = [
          ...systemMessages(flags),
          {
            role: 'user',
            content: [{ type: 'image', image }, ...(text === undefined ? [] : [{ type: 'text', text } as const])],
          } as const,
        ];
        const options = { draw: 'never', ...chatOptions(flags), signal: terminal.signal } as const;
        if (!flags.json) {
          await writeAnswer(terminal, model.streamChat(messages, options), flags.out);
          return;
        }
        const { content: _, images: _i, ...answer } = await model.chat(messages, options);
        await write(terminal.stdout, `${JSON.stringify(answer, undefined, 2)}\n`);
      } finally {
        await model.release();
      }
    });
}
