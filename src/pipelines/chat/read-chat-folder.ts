/** The folder of a chat model, of whatever family it is. */
import { join } from 'node:path';
import { DuetError } from '../../core/errors.ts';
import { readJsonObject } from '../diffusers-folder.ts';
import { readBlip2Folder } from './blip2/model-folder.ts';
import { chatFamilyOf } from './chat-files.ts';
import type { ChatFolder } from './chat-folder.ts';
import { readLlavaFolder } from './llava/model-folder.ts';
import { readMiniGpt5Folder } from './minigpt5/model-folder.ts';

/** @throws DuetError 'model-not-found' | 'invalid-config' | 'invalid-weights' */
export async function readChatFolder(folder: string): Promise<ChatFolder> {
  const file = join(folder, 'config.json');
  const json = await readJsonObject(file);
  const family = chatFamilyOf(json);
  switch (family) {
    case 'minigpt5':
      return readMiniGpt5Folder(folder);
    case 'llava':
      return readLlavaFolder(folder);
    case 'blip-2':
    case 'instructblip':
      return readBlip2Folder(folder, family);
    case undefined:
      throw new DuetError(
        'invalid-config',
        `${file}: a chat model's family is minigpt5, or its model_type llava, blip-2 or instructblip, got ${JSON.stringify(json['family'] ?? json['model_type'])}`,
      );
  }
}
