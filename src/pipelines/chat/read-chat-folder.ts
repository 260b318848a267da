/** The folder of a chat model, of whatever family it is. */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { isFile, readJsonObject } from '../diffusers-folder.ts';
import type { ChatFolder } from './chat-folder.ts';
import { readLlavaFolder } from './llava/model-folder.ts';
import { readMiniGpt5Folder } from './minigpt5/model-folder.ts';

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readChatFolder(folder: string): Promise<ChatFolder> {
  const file = join(folder, 'config.json');
  if (!(await isFile(file))) {
    throw new DuetError('model-not-found', `There is no ${file}; give the folder of a MiniGPT-5 or LLaVA model`);
  }
  const { family, model_type: type } = await readJsonObject(file);
  if (family === 'minigpt5') return readMiniGpt5Folder(folder);
  if (type === 'llava') return readLlavaFolder(folder);
  throw new DuetError(
    'invalid-config',
    `${file}: a chat model's family is minigpt5, or its model_type llava, got ${JSON.stringify(family ?? type)}`,
  );
}
