import { signal } from '@preact/signals';

/** What is chosen; `auto` is what the system has. */
export type Theme = 'auto' | 'light' | 'dark';

export const theme = signal(readTheme(localStorage.getItem('theme')));

theme.subscribe((value) => {
  document.documentElement.dataset['theme'] = value;
});

export function chooseTheme(value: string): void {
  localStorage.setItem('theme', value);
  theme.value = readTheme(value);
}

function readTheme(value: string | null): Theme {
  return value === 'light' || value === 'dark' ? value : 'auto';
}
