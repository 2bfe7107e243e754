import { EnvironmentReader } from '../../src/base/env/config-reader.ts';
import { tryLoad } from '../../src/base/env/try-load.ts';
import { loaders } from '../../src/cli/common/known-variables.ts';
import { readTexts } from './markdown.ts';

/*
 * docs/reference/configuration.md: the texts of configuration-texts.md, and in its tables what the code says of each
 * variable: its default, and what it may be.
 */

const texts = readTexts(new URL('configuration-texts.md', import.meta.url));

/** What reading nothing leaves behind. */
const readers = Object.values(loaders).map((load) => {
  const read = new EnvironmentReader({});
  tryLoad(() => load({}, read));
  return read;
});

/** The page, in Markdown. */
export function describeConfiguration(): string {
  return texts.replaceAll(/^\| (.*?) +\| (.*?) +\|$/gm, (_row, variable: string, meaning: string) => {
    if (variable === 'Variable') {
      return `| Variable | Default | Values | ${meaning} |`;
    }
    if (/^-+$/.test(variable)) {
      return '| --- | --- | --- | --- |';
    }
    const name = variable.replaceAll('`', '');
    return `| ${variable} | ${defaultOf(name)} | ${valuesOf(name)} | ${meaning} |`;
  });
}

/** @throws Error for a name that nobody reads. */
function defaultOf(name: string): string {
  const reader = readers.find(({ values }) => values.has(name));
  if (reader === undefined) {
    throw new Error(`configuration-texts.md: nobody reads ${name}`);
  }
  const value = reader.values.get(name);
  const text = Array.isArray(value) ? value.join(',') : String(value ?? '');
  return text === '' ? '' : `\`${text}\``;
}

function valuesOf(name: string): string {
  const choices = readers.map((reader) => reader.choices.get(name)).find((each) => each !== undefined);
  if (choices === undefined) {
    return '';
  }
  return 'min' in choices
    ? `${choices.min} to ${choices.max}`
    : choices.map((choice) => `\`${choice}\``).join(', ');
}
