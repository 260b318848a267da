/** Things that cannot be drawn: common nouns that are no concepts, made-up words, other languages, and what is no word at all. */
import { pick, type Random, randomInt } from '../../core/random.ts';
import { concepts } from '../scenes/concepts.ts';

const nouns =
  `zebra hippo rhino kangaroo camel wolf deer moose goat sheep donkey llama chicken rooster turkey eagle hawk pigeon crow swan goose
  ostrich peacock shark dolphin seal otter lobster shrimp jellyfish squid starfish snake lizard crocodile beetle ant fly mosquito moth
  dragonfly grasshopper worm scorpion bat squirrel hamster beaver hedgehog raccoon skunk badger leopard cheetah gorilla chimpanzee
  baboon hyena buffalo bison pear peach plum cherry grape orange lime mango papaya coconut kiwi fig date melon tomato potato onion garlic
  pepper cucumber lettuce cabbage broccoli spinach pea bean corn rice bread butter cheese egg bacon steak sausage soup salad
  sandwich burrito noodle pasta sushi cookie pie pancake waffle pudding chocolate candy honey jam coffee tea milk juice water beer wine
  bottle cup glass plate bowl fork knife spoon pan pot kettle oven fridge toaster chair table sofa bed desk lamp mirror carpet
  curtain window door roof wall stairs chimney garage garden fence gate bridge tower church mosque temple palace hotel hospital school
  library museum theater stadium factory farm barn mill well fountain statue street road tunnel harbor lighthouse island mountain hill
  valley river lake ocean beach desert forest jungle cave cliff waterfall glacier storm lightning thunder tornado rain fog wind
  truck van motorcycle scooter skateboard tram subway ship ferry canoe submarine jet glider parachute tank crane bulldozer wagon
  piano violin flute harp banjo cello saxophone clarinet accordion tambourine harmonica hammer saw drill screwdriver wrench nail ladder
  shovel rake axe rope chain lock box bag basket bucket barrel envelope stamp letter newspaper magazine map globe compass clock watch
  calendar phone telephone television radio keyboard printer monitor mouse-pad battery candle lantern torch match ring necklace bracelet
  earring glove hat cap scarf coat jacket shirt skirt shoe boot sock belt tie button zipper needle thread pillow blanket towel soap brush
  comb razor scissors tape glue paint canvas crayon eraser ruler notebook backpack suitcase wallet purse coin dollar bank ticket
  doctor nurse teacher farmer pilot sailor soldier police officer king queen prince princess knight wizard witch fairy mermaid dragon
  vampire zombie pirate ninja cowboy astronaut chef baker painter dancer singer man woman boy girl baby family crowd hand foot eye nose
  ear mouth tooth hair beard brain bone doll kite puzzle chess dice card yo-yo swing slide tent campfire sword shield bow arrow
  cannon bomb gun helmet flag medal throne carriage igloo pyramid windmill skyscraper volleyball baseball golf tennis hockey racket ski
  sled surfboard anvil telescope microscope magnifier thermometer syringe pill bandage wheelchair crutch hourglass feather leaf branch
  root seed grass moss fern bamboo oak maple daisy lily orchid violet ivy square triangle circle cube sphere spiral`
    .split(/\s+/)
    .map(name => name.replace('-', ' '));

const known = new Set(
  concepts.flatMap(concept => [concept, ...concept.synonyms]).flatMap(noun => [noun.name, noun.plural]),
);

/** Nouns of which none is a concept. */
export const unknownNouns: readonly string[] = [...new Set(nouns)].filter(
  name => !known.has(name) && !known.has(`${name}s`),
);

const adjectives = ['red', 'blue', 'purple', 'old', 'young', 'happy', 'sad', 'wooden', 'golden', 'flying', 'running'];
const names = [
  'Albert Einstein',
  'Paris',
  'Mona Lisa',
  'the Eiffel Tower',
  'Batman',
  'my mother',
  'New York',
  'Mickey Mouse',
];

const onsets = 'b c d f g h j k l m n p r s t v w z bl br cl cr dr fl gr pl pr sk sl sn st tr'.split(' ');
const nuclei = 'a e i o u ai ea ee oo ou'.split(' ');
const codas = ['', '', 'b', 'd', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'x', 'nk', 'rt', 'st'];

/** A word of one to three syllables that means nothing, such as "blortex". */
export function madeUpWord(random: Random): string {
  for (;;) {
    const syllables = Array.from(
      { length: 1 + randomInt(random, 3) },
      () => pick(random, onsets) + pick(random, nuclei) + pick(random, codas),
    );
    const word = syllables.join('');
    if (!known.has(word)) return word;
  }
}

/** "a zebra", "five blortexes", "the Eiffel Tower". */
export function unknownThing(random: Random): string {
  const chance = random();
  if (chance < 0.06) return pick(random, names);
  const noun = chance < 0.7 ? pick(random, unknownNouns) : madeUpWord(random);
  const described = random() < 0.12 ? `${pick(random, adjectives)} ${noun}` : noun;
  const form = random();
  if (form < 0.7) return `${/^[aeiou]/.test(described) ? 'an' : 'a'} ${described}`;
  if (form < 0.85) return `${pick(random, ['two', 'three', 'four', 'some', 'many'])} ${described}s`;
  return form < 0.92 ? `the ${described}` : described;
}

const foreignSentences = [
  'Zeichne einen Hund.',
  'Zeig mir bitte zwei Katzen.',
  'Kannst du mir ein Bild malen?',
  'Was siehst du?',
  'Erzähl mir eine Geschichte.',
  'Guten Tag!',
  'Wie geht es dir?',
  'Ich möchte einen Fuchs sehen.',
  'Mach es blau.',
  'Ein Haus auf grünem Hintergrund.',
  'Dessine un chat.',
  'Montre-moi deux chiens.',
  "Qu'est-ce que c'est ?",
  'Raconte-moi une histoire.',
  'Bonjour !',
  'Je voudrais un renard.',
  'Combien de chats y a-t-il ?',
  'Peux-tu dessiner une maison ?',
  'Un oiseau sur un fond bleu.',
  'Merci beaucoup.',
  'Dibuja un gato.',
  'Muéstrame dos perros.',
  '¿Qué es esto?',
  'Cuéntame una historia.',
  'Hola, ¿cómo estás?',
  'Quiero ver un zorro.',
  '¿Cuántos gatos hay?',
  'Ponlo en azul.',
  'Una casa sobre fondo verde.',
  'Por favor, dibuja una flor.',
  'Disegna un gatto.',
  'Mostrami due cani.',
  'Che cosa vedi?',
  'Raccontami una storia.',
  'Buongiorno!',
  'Vorrei vedere una volpe.',
  'Desenhe um gato.',
  'Mostre dois cachorros.',
  'O que é isso?',
  'Conte uma história.',
  'Olá, tudo bem?',
  'Quero ver uma raposa.',
  'Teken een hond.',
  'Laat me twee katten zien.',
  'Wat is dit?',
  'Vertel een verhaal.',
  'Goedemorgen!',
  'Ik wil een vos zien.',
  'Rita en hund.',
  'Visa mig två katter.',
  'Vad är det här?',
  'God morgon!',
  'Tegn en kat.',
  'Piirrä koira.',
  'Narysuj kota.',
  'Co to jest?',
  'Namaluj dwa psy.',
  'Nakresli psa.',
  'Rajzolj egy kutyát.',
  'Desenează o pisică.',
  'Bir kedi çiz.',
  'Bu nedir?',
  'Vẽ một con mèo.',
  'Gambar seekor kucing.',
  'Нарисуй кошку.',
  'Покажи мне двух собак.',
  'Что это?',
  'Расскажи сказку.',
  'Привет!',
  'Намалюй кота.',
  'Ζωγράφισε μια γάτα.',
  'Τι είναι αυτό;',
  'ارسم قطة.',
  'ما هذا؟',
  'צייר חתול.',
  'מה זה?',
  'एक बिल्ली बनाओ।',
  'यह क्या है?',
  'একটি বিড়াল আঁকো।',
  'วาดแมว',
  'นี่คืออะไร',
  '画一只猫。',
  '给我看两只狗。',
  '这是什么？',
  '讲个故事。',
  '你好！',
  '猫を描いて。',
  'これは何ですか？',
  '犬を二匹見せて。',
  'こんにちは。',
  '고양이를 그려줘.',
  '이게 뭐야?',
  '안녕하세요.',
];

const alphabets = [
  'абвгдежзиклмнопрстуфхцчшщыэюя',
  'αβγδεζηθικλμνξοπρστυφχψω',
  'אבגדהוזחטיכלמנסעפצקרשת',
  'ابتثجحخدذرزسشصضطظعغفقكلمن',
  '一二三人大小中国山水火木日月',
  'あいうえおかきくけこさしすせそ',
  '가나다라마바사아자차카타파하',
];

/** A sentence in another language, or letters of another script. */
export function foreign(random: Random): string {
  if (random() < 0.75) return pick(random, foreignSentences);
  const letters = [...pick(random, alphabets)];
  const words = Array.from({ length: 1 + randomInt(random, 4) }, () =>
    Array.from({ length: 2 + randomInt(random, 6) }, () => pick(random, letters)).join(''),
  );
  return words.join(' ');
}

const keys = 'abcdefghijklmnopqrstuvwxyz';
const signs = '0123456789!?.,;:-_+*/=()[]{}<>@#$%&"\'';

/** No words: nothing, signs, numbers, keys hit at random, emoji. */
export function noWords(random: Random): string {
  const some = (from: string, most: number) =>
    Array.from({ length: 1 + randomInt(random, most) }, () => pick(random, [...from])).join('');
  return pick<() => string>(random, [
    () => '',
    () => ' '.repeat(1 + randomInt(random, 4)),
    () => pick(random, ['?', '??', '!', '.', '...', '-', '0', '\n', ':)', ';-)', '😀', '🦊', '🐶🐱', '❤️', '👍']),
    () => some(signs, 12),
    () => some('0123456789', 8),
    () => some(keys, 14),
    () => `${some(keys, 6)} ${some(keys, 8)} ${some(keys, 6)}`,
  ])();
}
