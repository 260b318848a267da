/** One button that goes round: as the system has it, light, dark. */
import { switchTheme, theme } from '../theme.ts';
import { IconButton } from './icon-button.tsx';

const looks = {
  system: { icon: 'system', name: 'Colours: as the system' },
  light: { icon: 'sun', name: 'Colours: light' },
  dark: { icon: 'moon', name: 'Colours: dark' },
} as const;

export function ThemeSwitch() {
  const { icon, name } = looks[theme.value];
  return <IconButton icon={icon} name={`${name}. Change`} title={name} onClick={switchTheme} />;
}
