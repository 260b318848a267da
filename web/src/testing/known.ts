/** What servers say of a model like the embedded one, and of one that only draws, for tests. */
import { serverConfig } from '../../../server/config.ts';
import { capabilitiesOf } from '../../../server/routes/native/capabilities-of.ts';
import { fakeChatModel } from '../../../server/testing/fake-chat-model.ts';
import { fakeModel } from '../../../server/testing/fake-model.ts';
import { tabOf } from '../calls.ts';
import { emptyForm, type Form, type FormCall } from '../form.ts';
import type { Capabilities, WireCall } from '../wire.ts';

const { info } = fakeModel();
export const known: Capabilities = capabilitiesOf(info, [info], serverConfig({}));

const chatty = fakeChatModel().info;
/** Of a model that answers in dialogues. */
export const talkingModel: Capabilities = capabilitiesOf(chatty, [chatty], serverConfig({}));

const drawing: WireCall = {
  title: 'Drawing',
  verb: 'Draw',
  summary: 'draw pictures from a prompt',
  needs: [],
  takes: ['prompt'],
  makes: 'images',
  options: ['n', 'seed', 'steps', 'guidance', 'solver', 'negative_prompt', 'width', 'height'],
  without_effect: [],
  option_needs: {},
  defaults: { n: 1, steps: 25, guidance: 7.5, solver: 'euler', width: 512, height: 512 },
};

const side = { type: 'integer', minimum: 64, maximum: 2048, multipleOf: 8 } as const;

/** A model that makes no captions, by another solver and at sizes of one's choice. */
export const drawingModel: Capabilities = {
  ...known,
  model: 'painter',
  family: 'another-family',
  modes: ['t2i', 'i2i', 'inpaint'],
  calls: {
    t2i: drawing,
    i2i: {
      ...drawing,
      title: 'Variation',
      verb: 'Vary',
      summary: 'draw a picture over another one',
      needs: [['image'], ['prompt']],
      takes: ['image', 'prompt'],
      options: [...drawing.options, 'strength'],
      defaults: { ...drawing.defaults, strength: 0.8 },
    },
    inpaint: {
      ...drawing,
      title: 'Inpainting',
      verb: 'Paint',
      summary: 'fill in part of a picture',
      needs: [['image'], ['prompt']],
      takes: ['image', 'mask', 'prompt'],
    },
  },
  options: { ...known.options, solver: { type: 'string', enum: ['euler', 'ddim'] }, width: side, height: side },
};

export function callIn(mode: string, capabilities = known): FormCall {
  return { mode, call: capabilities.calls[mode]! };
}

/** An empty form with a mode. */
export function formOf(mode: string, fields: Partial<Form> = {}, capabilities = known): Form {
  return { ...emptyForm(tabOf(capabilities.calls[mode]!)!), mode, ...fields };
}
