export {
  type DecodeOptions,
  decodeImage,
  encodeImage,
  formatOfFile,
  type ImageFormat,
  type ImageInput,
  squareImage,
} from './codec.ts';
export { Picture } from './picture.ts';
export {
  cropSquare,
  enlarge,
  fromNetwork,
  type GridOptions,
  type Pixels,
  pictureGrid,
  pixels,
  toNetwork,
} from './pixels.ts';
