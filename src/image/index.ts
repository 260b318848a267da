export { encodeAnimation } from './animation.ts';
export {
  checkImage,
  coverImage,
  decodeImage,
  encodeImage,
  formatOfFile,
  type ImageFormat,
  squareImage,
} from './codec.ts';
export { inDecodeSlot } from './decode-slots.ts';
export {
  type DecodeOptions,
  fetchIfRemote,
  type ImageInput,
  isPictureAddress,
  readImageBytes,
} from './image-input.ts';
export { formatInfotext, type Infotext, parseInfotext } from './infotext.ts';
export { composite, coverMask, decodeMask, decodeTransparency, keptCells, type Mask, squareMask } from './mask.ts';
export {
  infotextOf,
  type PictureParameters,
  type ReadParameters,
  readParameters,
  samplerLabels,
  scheduleLabels,
  withParameters,
} from './parameters.ts';
export { Picture } from './picture.ts';
export {
  cropSquare,
  enlarge,
  fromNetwork,
  type GridOptions,
  type Pixels,
  pictureGrid,
  pixels,
  type Size,
  toNetwork,
} from './pixels.ts';
export { type ResampleFilter, resample } from './resample.ts';
