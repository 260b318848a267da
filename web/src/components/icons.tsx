/** Own line icons on a grid of 20. Blue strokes are words, coral ones pictures. */
import type { ComponentChildren } from 'preact';
import type { TabId } from '../calls.ts';

function Svg({ children, size = 20 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" width={size} height={size} aria-hidden="true">
      {children}
    </svg>
  );
}

const tabDrawings = {
  chat: (
    <>
      <path
        class="words"
        d="M4.500 2.500h7a2.500 2.500 0 0 1 2.500 2.500v2a2.500 2.500 0 0 1-2.500 2.500H7l-3 2.500V9.500A2.500 2.500 0 0 1 2 7V5a2.500 2.500 0 0 1 2.500-2.500Z"
      />
      <path class="pictures" d="M17 8.500a2 2 0 0 1 1 1.800v3.200a2 2 0 0 1-2 2v2.500l-3-2.500h-3a2 2 0 0 1-1.700-1" />
    </>
  ),
  draw: (
    <>
      <path class="words" d="M2 5h6M2 9h4" />
      <rect class="pictures" x="9" y="9" width="9" height="9" rx="2" />
    </>
  ),
  describe: (
    <>
      <rect class="pictures" x="2" y="2" width="9" height="9" rx="2" />
      <path class="words" d="M9 14.5h9M12 18h6" />
    </>
  ),
  imagine: (
    <>
      <path class="pictures" d="M10 2.5v3M10 14.5v3M4.7 4.7l2.1 2.1M13.2 13.2l2.1 2.1" />
      <path class="words" d="M2.500 10h3M14.500 10h3M4.700 15.300l2.100-2.100M13.200 6.800l2.100-2.100" />
    </>
  ),
  vary: (
    <>
      <rect class="words" x="2" y="2" width="11" height="11" rx="2.500" />
      <rect class="pictures" x="7" y="7" width="11" height="11" rx="2.500" />
    </>
  ),
  inpaint: (
    <>
      <path class="pictures" d="M3 17.500c3 0 4.500-1 4.500-3a2.200 2.200 0 0 0-4.400 0c0 1.200-.1 2-1.100 2.700" />
      <path class="words" d="M8.500 12.500 16 3.500a1.400 1.400 0 0 1 2 2L9.500 13.700" />
    </>
  ),
} as const satisfies Record<TabId, ComponentChildren>;

export function TabIcon({ tab }: { tab: TabId }) {
  return <Svg size={22}>{tabDrawings[tab]}</Svg>;
}

const drawings = {
  close: <path d="m5 5 10 10M15 5 5 15" />,
  dice: (
    <>
      <rect x="3" y="3" width="14" height="14" rx="3" />
      <path d="M7 7h.01M13 7h.01M10 10h.01M7 13h.01M13 13h.01" stroke-width="2" />
    </>
  ),
  again: <path d="M16 10a6 6 0 1 1-1.800-4.300M16 2.500v3.700h-3.700" />,
  settings: <path d="M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4" />,
  download: <path d="M10 3v9M6.500 9 10 12.500 13.500 9M4 16.500h12" />,
  trash: <path d="M4 6h12M8 6V4h4v2M6 6l.7 10.500h6.600L14 6" />,
  image: (
    <>
      <rect x="3" y="3" width="14" height="14" rx="2.500" />
      <path d="m4 14 3.500-3.500 3 3L13 11l3.500 3.500M12.500 7h.01" />
    </>
  ),
  play: <path d="M7 4.500v11l8.500-5.500Z" />,
  pause: <path d="M7 5v10M13 5v10" stroke-width="2.200" />,
  left: <path d="m12 4.500-5.500 5.500 5.500 5.500" />,
  right: <path d="m8 4.500 5.500 5.500L8 15.500" />,
  undo: <path d="M7 5 3.500 8.500 7 12M4 8.500h7.500a4 4 0 0 1 0 8H8" />,
  code: <path d="m7 5.500-4.500 4.500L7 14.500M13 5.500l4.500 4.500-4.500 4.500" />,
  sun: (
    <>
      <circle cx="10" cy="10" r="3.200" />
      <path d="M10 2.500v1.700M10 15.800v1.700M2.500 10h1.700M15.800 10h1.700M4.700 4.700l1.200 1.200M14.100 14.100l1.200 1.200M4.700 15.300l1.200-1.200M14.100 5.900l1.200-1.200" />
    </>
  ),
  moon: <path d="M15.500 12.200A6.500 6.500 0 0 1 7.800 4.500a6.500 6.500 0 1 0 7.700 7.700Z" />,
  system: (
    <>
      <circle cx="10" cy="10" r="6.500" />
      <path d="M10 3.500a6.500 6.500 0 0 1 0 13Z" fill="currentColor" />
    </>
  ),
  send: <path d="M10 16.500v-13M4.500 9 10 3.500 15.500 9" stroke-width="2" />,
  stop: <rect x="5.500" y="5.500" width="9" height="9" rx="1.500" fill="currentColor" />,
  edit: (
    <path d="m4 16 .8-3.600L13.300 3.900a1.600 1.600 0 0 1 2.300 0l.5.5a1.600 1.600 0 0 1 0 2.300l-8.500 8.500L4 16ZM12 5.500 14.500 8" />
  ),
  copy: (
    <>
      <rect x="7" y="7" width="9.500" height="9.500" rx="2" />
      <path d="M13 4.500A1.500 1.500 0 0 0 11.500 3H5a2 2 0 0 0-2 2v6.500A1.500 1.500 0 0 0 4.500 13" />
    </>
  ),
  plus: <path d="M10 4v12M4 10h12" />,
  down: <path d="M10 3.500v13M4.500 11l5.500 5.500 5.500-5.500" />,
  swap: <path d="M4 7h11M12 4l3 3-3 3M16 13H5M8 10l-3 3 3 3" />,
  star: <path d="m10 2.800 2.200 4.600 5 .700-3.600 3.500.900 5L10 14.200l-4.500 2.400.900-5L2.800 8.100l5-.700Z" />,
  select: (
    <>
      <rect x="3" y="3" width="14" height="14" rx="3" />
      <path d="m6.500 10.200 2.500 2.500 4.500-5.200" />
    </>
  ),
  search: <path d="M8.800 14.600a5.800 5.800 0 1 0 0-11.600 5.800 5.800 0 0 0 0 11.600ZM13 13l4 4" />,
  check: <path d="m4 10.500 4 4 8-9" />,
} as const satisfies Record<string, ComponentChildren>;

export type IconName = keyof typeof drawings;

export function Icon({ name }: { name: IconName }) {
  return <Svg size={18}>{drawings[name]}</Svg>;
}
