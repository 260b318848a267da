/** Models for the tests of the Chat tab, which answer as each test says. */
import { type FakeChatModel, type FakeChatOptions, fakeChatModel } from '../../server/testing/fake-chat-model.ts';
import { fakeModel } from '../../server/testing/fake-model.ts';
import type { LoadedModel } from '../../server/types.ts';

export interface Answering {
  readonly model: LoadedModel;
  /** From here on it answers like this. */
  answers(options: FakeChatOptions): FakeChatModel;
}

export function answering(base: FakeChatOptions = {}): Answering {
  const first = fakeChatModel(base);
  let current = first;
  const run: FakeChatModel['model']['run'] = (...call) => current.model.run(...call);
  return {
    model: { info: first.info, model: { ...first.model, run } },
    answers(options) {
      current = fakeChatModel({ ...base, ...options });
      return current;
    },
  };
}

/** A model that has all the calls of one that draws beside that of dialogues. */
export function answeringAndDrawing(): LoadedModel {
  const [talking, drawing] = [fakeChatModel(), fakeModel()];
  return {
    info: {
      ...drawing.info,
      calls: { ...drawing.info.calls, ...talking.info.calls },
      options: { ...talking.info.options, ...drawing.info.options },
      defaults: { ...drawing.info.defaults, ...talking.info.defaults },
      dialogue: talking.info.dialogue!,
    },
    model: {
      ...drawing.model,
      run: (mode, ...call) => (mode === 'chat' ? talking : drawing).model.run(mode, ...call),
    },
  };
}
