/** Asks for pictures, has them changed and asks about them: `npx tsx examples/chat.ts`, or with messages of your own as arguments. */
import { mkdir, writeFile } from 'node:fs/promises';
import { Duet, type InterleavedMessage } from 'duet';

const model = await Duet.loadChat();
const given = process.argv.slice(2);
const said = given.length > 0 ? given : ['Can you show me two foxes?', 'Make it blue.', 'How many foxes are there?'];

await mkdir('out', { recursive: true });
const messages: InterleavedMessage[] = [];
let pictures = 0;
for (const content of said) {
  console.log(`> ${content}`);
  messages.push({ role: 'user', content });
  const answer = await model.chat(messages, { seed: 1 });
  messages.push({ role: 'assistant', content: answer.content });
  for (const part of answer.content) {
    if (part.type === 'text') {
      console.log(part.text.trim());
      continue;
    }
    const file = `out/chat-${++pictures}.png`;
    await writeFile(file, await part.image.toPng());
    console.log(file);
  }
}
await model.release();
