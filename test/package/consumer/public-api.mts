/**
 * The types of the public API, as a program of a user's. It is compiled with the sources by `npm run lint`, and against
 * the installed package by old and new compilers in `package.test.ts`; it is never run.
 */
import {
  type AnySample,
  type CaptionSample,
  Duet,
  DuetError,
  type ErrorCode,
  type GibbsOptions,
  type ImageSample,
  type InpaintInput,
  type InterpolateOptions,
  type LoadOptions,
  type PairInput,
  type PairSample,
  type Picture,
  type Pixels,
  type ProgressEvent,
  type Result,
  type SamplingOptions,
  type SolverName,
  type TextToImageOptions,
  type VaryOptions,
} from 'duet';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Compiles if the value is of the type `Expected`, neither wider nor narrower. */
function expectType<Expected>() {
  return <Actual,>(_value: Actual, ..._proof: Same<Actual, Expected> extends true ? [] : [never]) => {};
}

// What each call takes and gives.
const model = await Duet.load('emoji', { device: 'cpu', precision: 'int8' } satisfies LoadOptions);
expectType<Result<ImageSample>>()(await model.textToImage('an apple', { n: 4, seed: 1, guidance: 2 }));
expectType<Result<ImageSample>>()(
  await model.textToImage('an apple', { network: 'uvit' } satisfies TextToImageOptions),
);
expectType<Result<CaptionSample>>()(await model.imageToText('cat.png'));
expectType<Result<PairSample>>()(await model.joint({ order: 'text-first' }));
expectType<Result<ImageSample>>()(await model.image());
expectType<Result<CaptionSample>>()(await model.text());
expectType<Result<PairSample>>()(await model.vary('cat.png', { strength: 0.5 } satisfies VaryOptions));
expectType<Result<PairSample>>()(await model.rephrase('a dog under a tree'));
expectType<Result<PairSample>>()(await model.gibbs({} satisfies PairInput, { rounds: 2 } satisfies GibbsOptions));
expectType<Result<PairSample>>()(
  await model.interpolate({ caption: 'a' }, { caption: 'b' }, { frames: 3 } satisfies InterpolateOptions),
);
expectType<Result<PairSample>>()(await model.inpaint({ caption: 'a _' } satisfies InpaintInput));

// Samples: read only, of the modality that was asked for.
const { samples, settings, timings, unknownWords } = await model.textToImage('an apple');
expectType<readonly ImageSample[]>()(samples);
expectType<readonly string[]>()(unknownWords);
expectType<number>()(timings.total);
expectType<SolverName>()(settings.solver);
const [first] = samples;
if (first !== undefined) {
  expectType<Picture>()(first.image);
  expectType<Promise<Uint8Array>>()(first.image.toPng());
  const again: Pixels = first.image;
  await model.imageToText(again);
}
const widened: readonly AnySample[] = samples;
void widened;

// Progress events are told apart by their type.
const options: SamplingOptions = {
  signal: new AbortController().signal,
  onProgress(event: ProgressEvent) {
    if (event.type === 'step-progress') expectType<number>()(event.total);
    else if (event.type === 'image-preview') expectType<readonly Picture[]>()(event.images);
    else expectType<readonly AnySample[]>()(event.result.samples);
  },
};
await model.joint(options);

// Errors.
try {
  await model.release();
} catch (error) {
  if (DuetError.isInstance(error)) {
    expectType<ErrorCode>()(error.code);
    expectType<number | undefined>()(error.retryAfter);
  }
}

// What is not in the API does not compile.
// @ts-expect-error: a number
await model.textToImage('an apple', { n: '4' });
// @ts-expect-error: no such option
await model.textToImage('an apple', { guidanceScale: 2 });
// @ts-expect-error: no such solver
await model.textToImage('an apple', { solver: 'magic' });
// @ts-expect-error: no such precision
await Duet.load('emoji', { precision: 'fp8' });
// @ts-expect-error: samples of pictures alone have no captions
samples[0]?.caption;
// @ts-expect-error: read only
samples.push();
