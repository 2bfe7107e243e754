import { signal } from '@preact/signals';

/** What the console speaks. */
export type Language = 'en' | 'ko';

const stored = localStorage.getItem('language');

/** The browser's, unless somebody has chosen. */
export const language = signal<Language>(
  stored === 'en' || stored === 'ko' ? stored : navigator.language.startsWith('ko') ? 'ko' : 'en',
);

export function chooseLanguage(value: Language): void {
  localStorage.setItem('language', value);
  language.value = value;
}

/** A text in each language; `{name}` stands for a value. */
export type Text = readonly [english: string, korean: string];

/** The texts of a page, each in both languages, so that none can be forgotten. */
export function defineTexts<Key extends string>(
  table: Readonly<Record<Key, Text>>,
): (key: Key, values?: Readonly<Record<string, string | number>>) => string {
  return (key, values = {}) => {
    const [english, korean] = table[key];
    const text = language.value === 'ko' ? korean : english;
    return text.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => String(values[name] ?? ''));
  };
}
