/**
 * The things that scenes are made of: a hand-checked table of plainly named, visually distinct pictures from
 * Fluent Emoji Flat (MIT, Microsoft; npm package @iconify-json/fluent-emoji-flat). Names are CLDR short names or our
 * renames of them ("automobile" -> "car"); each is a noun of one or two words that no other concept shares.
 */

/** One drawable thing. `name` is canonical: held-out hashes, scene keys and captions use it. */
export interface Concept {
  readonly name: string;
  readonly icon: string;
  readonly plural: string;
  readonly article: 'a' | 'an';
  /** Other nouns that mean this and nothing else here, with their plurals. */
  readonly synonyms: readonly Noun[];
}

/** A noun as captions write it. */
export interface Noun {
  readonly name: string;
  readonly plural: string;
  readonly article: 'a' | 'an';
}

interface Row {
  readonly icon?: string;
  readonly plural?: string;
  readonly article?: 'a' | 'an';
  readonly synonyms?: readonly string[];
}

const table: Readonly<Record<string, Row>> = {
  // Animals
  cat: { icon: 'cat-face' },
  dog: { icon: 'dog-face' },
  mouse: { icon: 'mouse-face', plural: 'mice' },
  rabbit: { icon: 'rabbit-face', synonyms: ['bunny'] },
  fox: {},
  bear: {},
  panda: {},
  koala: {},
  tiger: { icon: 'tiger-face' },
  lion: {},
  cow: { icon: 'cow-face' },
  pig: { icon: 'pig-face' },
  frog: {},
  monkey: { icon: 'monkey-face' },
  penguin: {},
  owl: {},
  unicorn: { article: 'a' },
  horse: { icon: 'horse-face' },
  elephant: {},
  giraffe: {},
  whale: { icon: 'spouting-whale' },
  fish: { icon: 'tropical-fish', plural: 'fish' },
  octopus: {},
  crab: {},
  butterfly: {},
  bee: { icon: 'honeybee', synonyms: ['honeybee'] },
  ladybug: { icon: 'lady-beetle', synonyms: ['ladybird'] },
  snail: {},
  turtle: {},
  duck: { synonyms: ['mallard'] },
  parrot: {},
  flamingo: {},
  dinosaur: { icon: 'sauropod', synonyms: ['sauropod'] },
  chick: { icon: 'baby-chick', synonyms: ['baby chick'] },
  spider: {},
  // Food
  apple: { icon: 'red-apple' },
  banana: {},
  lemon: {},
  strawberry: {},
  watermelon: {},
  pineapple: {},
  avocado: {},
  carrot: {},
  mushroom: {},
  eggplant: { synonyms: ['aubergine'] },
  pizza: {},
  hamburger: { synonyms: ['burger'] },
  'hot dog': { icon: 'hot-dog' },
  taco: {},
  doughnut: { synonyms: ['donut'] },
  cupcake: {},
  cake: { icon: 'birthday-cake', synonyms: ['birthday cake'] },
  'ice cream': { icon: 'soft-ice-cream' },
  lollipop: {},
  // Plants
  tree: { icon: 'deciduous-tree' },
  'pine tree': { icon: 'evergreen-tree', synonyms: ['fir tree'] },
  'palm tree': { icon: 'palm-tree' },
  cactus: { plural: 'cacti' },
  sunflower: {},
  tulip: {},
  rose: {},
  clover: { icon: 'four-leaf-clover' },
  // Vehicles
  car: { icon: 'automobile', synonyms: ['automobile'] },
  bus: {},
  taxi: { synonyms: ['cab'] },
  ambulance: {},
  'fire truck': { icon: 'fire-engine', synonyms: ['fire engine'] },
  tractor: {},
  bicycle: { synonyms: ['bike'] },
  train: {},
  airplane: { synonyms: ['plane'] },
  helicopter: {},
  rocket: { synonyms: ['spaceship'] },
  sailboat: {},
  'flying saucer': { icon: 'flying-saucer', synonyms: ['ufo'] },
  // Places and sky
  house: {},
  castle: {},
  volcano: { plural: 'volcanoes' },
  rainbow: {},
  cloud: {},
  sun: {},
  moon: { icon: 'crescent-moon', synonyms: ['crescent moon'] },
  star: {},
  snowflake: {},
  snowman: { plural: 'snowmen' },
  fire: { synonyms: ['flame'] },
  planet: { icon: 'ringed-planet' },
  umbrella: {},
  // Objects
  guitar: {},
  trumpet: {},
  drum: {},
  balloon: {},
  gift: { icon: 'wrapped-gift', synonyms: ['present'] },
  crown: {},
  key: {},
  book: { icon: 'blue-book' },
  pencil: {},
  'alarm clock': { icon: 'alarm-clock' },
  camera: {},
  laptop: {},
  trophy: {},
  'soccer ball': { icon: 'soccer-ball' },
  basketball: {},
  'teddy bear': { icon: 'teddy-bear' },
  bell: {},
  magnet: {},
  anchor: {},
  dress: { synonyms: ['gown'] },
  robot: {},
  ghost: {},
  alien: { synonyms: ['extraterrestrial'] },
  skull: {},
  pumpkin: { icon: 'jack-o-lantern' },
  diamond: { icon: 'gem-stone', synonyms: ['gem'] },
  // Hearts
  'red heart': { icon: 'red-heart' },
  'orange heart': { icon: 'orange-heart' },
  'yellow heart': { icon: 'yellow-heart' },
  'green heart': { icon: 'green-heart' },
  'blue heart': { icon: 'blue-heart' },
  'purple heart': { icon: 'purple-heart' },
  'black heart': { icon: 'black-heart' },
  // Faces
  'grinning face': { icon: 'grinning-face', synonyms: ['happy face'] },
  'crying face': { icon: 'loudly-crying-face' },
  'angry face': { icon: 'pouting-face', synonyms: ['mad face'] },
  'cold face': { icon: 'cold-face', synonyms: ['freezing face'] },
  'cool face': { icon: 'smiling-face-with-sunglasses' },
  clown: { icon: 'clown-face' },
  devil: { icon: 'smiling-face-with-horns', synonyms: ['demon'] },
};

function pluralOf(name: string): string {
  if (/(s|x|z|ch|sh)$/.test(name)) return `${name}es`;
  return /[^aeiou]y$/.test(name) ? `${name.slice(0, -1)}ies` : `${name}s`;
}

function noun(name: string, row: Row): Noun {
  return {
    name,
    plural: row.plural ?? pluralOf(name),
    article: row.article ?? (/^([aeio]|u[mn])/.test(name) ? 'an' : 'a'),
  };
}

/** All concepts, in the table's order. */
export const concepts: readonly Concept[] = Object.entries(table).map(([name, row]) => ({
  ...noun(name, row),
  icon: row.icon ?? name,
  synonyms: (row.synonyms ?? []).map(synonym => noun(synonym, {})),
}));

/** Canonical names, in the table's order. */
export const conceptNames: readonly string[] = concepts.map(concept => concept.name);

const byName = new Map(concepts.map(concept => [concept.name, concept]));

/** The concept of a canonical name; throws a RangeError for any other name. */
export function conceptNamed(name: string): Concept {
  const concept = byName.get(name);
  if (concept === undefined) throw new RangeError(`"${name}" is not a concept; see conceptNames`);
  return concept;
}
