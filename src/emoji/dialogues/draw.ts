/** Requests for a picture in many wordings, and for several at once. */
import { pick, type Random } from '../../core/random.ts';
import { captionOf } from '../scenes/captions.ts';
import type { Scene } from '../scenes/scene.ts';
import { type Exchange, type MakeExchange, picture, text } from './dialogue.ts';
import { asTyped, capital, fill, hereIs, numberWords } from './wording.ts';

/** `{it}` is a caption. */
const drawRequests = [
  'Draw {it}.',
  'Draw me {it}.',
  'Please draw {it}.',
  'Can you draw {it}?',
  'Could you draw {it} for me?',
  'Could you please draw {it}?',
  'Would you draw {it}?',
  'Show me {it}.',
  'Please show me {it}.',
  'Can you show me {it}?',
  'Could you show me {it}, please?',
  'Now show me {it}.',
  'Paint {it}.',
  'Please paint {it} for me.',
  'Sketch {it}.',
  'Make {it}.',
  'Make a picture of {it}.',
  'Make me a picture of {it}.',
  'Make an image of {it}.',
  'Create {it}.',
  'Create an image of {it}.',
  'Create a picture with {it}.',
  'Generate {it}.',
  'Generate an image of {it}.',
  'Generate a picture of {it}, please.',
  'Draw a picture of {it}.',
  'Can you make a picture of {it}?',
  'Can you generate an image of {it}?',
  'Give me {it}.',
  'Give me a picture of {it}.',
  'I want {it}.',
  'I want to see {it}.',
  'I want a picture of {it}.',
  'I would like {it}.',
  'I would like to see {it}.',
  "I'd like a picture of {it}.",
  "I'd love to see {it}!",
  'I need an image of {it}.',
  'Let me see {it}.',
  'May I see {it}?',
  'Can I have {it}?',
  'Can I see {it}, please?',
  'How about {it}?',
  'What about {it}?',
  'What does {it} look like?',
  'Do you have {it}?',
  'An image of {it}.',
  'A picture of {it}, please.',
  '{it}, please.',
  '{it}',
  '{it}!',
  'Next, {it}.',
  'Draw something: {it}.',
  'Hi! Can you draw {it}?',
  'Hello, please draw {it}.',
  'Hey, show me {it}.',
  'Thanks! Now draw {it}.',
  'Great, and now {it}.',
  'Picture: {it}',
  'Surprise me with {it}.',
];

/** One of the wordings, often nothing but the caption. */
export function drawRequest(random: Random): string {
  return random() < 0.1 ? '{it}' : pick(random, drawRequests);
}

const severalRequests = [
  'Draw {n} pictures of {it}.',
  'Show me {n} pictures of {it}.',
  'Can you make {n} images of {it}?',
  'Give me {n} versions of {it}.',
  'I want {n} pictures of {it}.',
  'Generate {n} images of {it}, please.',
  'Make {n} different pictures of {it}.',
];

const surprises = [
  'Surprise me.',
  'Draw something.',
  'Draw anything you like.',
  'Show me something.',
  'Show me a picture.',
  'Can you draw?',
  'Draw a picture.',
  'Make a picture for me.',
  'Draw whatever you want.',
  'Generate a random image.',
  'Paint something nice.',
];

const openings = ['', '', '', 'Sure! ', 'Gladly. ', 'Of course. '];

/** Most pictures of one answer. */
export const maxPictures = 5;

export const drawOne: MakeExchange = ({ anyScene }, random) => {
  const scene = anyScene(random);
  return answered(asTyped(request(scene, random), random), scene, random);
};

/** The same picture several times, each drawn anew; of more than the model draws at once it draws as many as it does. */
export const drawSeveral: MakeExchange = ({ anyScene }, random) => {
  const scene = anyScene(random);
  const wanted = 2 + Math.floor(random() * 9);
  const n = random() < 0.8 ? numberWords[wanted]! : `${wanted}`;
  const words = fill(pick(random, severalRequests), { n, it: captionOf(scene, random, 0) });
  const count = Math.min(wanted, maxPictures);
  const pictures = Array.from({ length: count }, () => picture(scene));
  const own = `${hereIs(scene).replace(/\.$/, '')}, ${numberWords[count]} times.`;
  const answer = wanted > maxPictures ? `I draw at most ${numberWords[maxPictures]} pictures at once. ${own}` : own;
  return { kind: 'draw', user: [text(asTyped(words, random))], assistant: [text(answer), ...pictures] };
};

export const drawAnything: MakeExchange = ({ anyScene }, random) =>
  answered(asTyped(pick(random, surprises), random), anyScene(random), random);

/** A sentence that asks for the scene. */
function request(scene: Scene, random: Random): string {
  const form = drawRequest(random);
  // A whole sentence may be worded in any way; within another one it is only named.
  const caption = form.startsWith('{it}') ? capital(captionOf(scene, random)) : captionOf(scene, random, 0);
  return fill(form, { it: caption });
}

function answered(words: string, scene: Scene, random: Random): Exchange {
  const answer = pick(random, openings) + hereIs(scene);
  return { kind: 'draw', user: [text(words)], assistant: [text(answer), picture(scene)] };
}
