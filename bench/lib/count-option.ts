import { readWholeNumber } from '../../src/base/whole-number.ts';

/** The number of an option or argument of the command line; ends the process when it is none. */
export function countOption(name: string, text: string): number {
  const count = readWholeNumber(text);
  if (count === undefined) {
    console.error(`${name} must be a whole number, not "${text}"`);
    process.exit(2);
  }
  return count;
}
