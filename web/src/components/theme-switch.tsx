/** One button that goes round: as the system has it, light, dark. */
import { switchTheme, theme } from '../theme.ts';
import { Icon } from './icons.tsx';

const looks = {
  system: { icon: 'system', name: 'Colours: as the system' },
  light: { icon: 'sun', name: 'Colours: light' },
  dark: { icon: 'moon', name: 'Colours: dark' },
} as const;

export function ThemeSwitch() {
  const { icon, name } = looks[theme.value];
  return (
    <button type="button" class="quiet round" onClick={switchTheme} aria-label={`${name}. Change`} title={name}>
      <Icon name={icon} />
    </button>
  );
}
