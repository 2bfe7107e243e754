import { readWholeNumber } from '../whole-number.ts';
import { type MisspeltName, misspeltNames } from './misspelt-names.ts';

/**
 * Reads typed values from environment variables and collects what is wrong with them instead of
 * throwing at the first, so that one start shows every mistake. Values are trimmed; an empty one counts
 * as not set.
 */
export class EnvironmentReader {
  readonly mistakes: string[] = [];
  /** What was read so far, by name; the default where a variable is not set or wrong. */
  readonly values = new Map<string, string | number | readonly string[] | undefined>();
  /** What those may be that have a list or a range, by name, as documents have it. */
  readonly choices = new Map<string, readonly string[] | { readonly min: number; readonly max: number }>();
  readonly #env: Readonly<Record<string, string | undefined>>;

  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** Adds a mistake under the name of the variable. Never pass a secret's value. */
  mistake(name: string, problem: string): void {
    this.mistakes.push(`${name} ${problem}`);
  }

  /** The value, or `fallback` when it is not set. */
  text(name: string, fallback: string): string {
    return this.#record(name, this.optionalText(name) ?? fallback);
  }

  /** The value, or undefined when it is not set. */
  optionalText(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return this.#record(name, value === '' ? undefined : value);
  }

  /** One of `allowed`, which are in lower case; the case of the value does not count. */
  oneOf<T extends string>(name: string, allowed: readonly T[], fallback: T): T {
    this.choices.set(name, allowed);
    const value = this.optionalText(name);
    if (value === undefined) {
      return this.#record(name, fallback);
    }
    const match = allowed.find((candidate) => candidate === value.toLowerCase());
    if (match === undefined) {
      this.mistake(name, `must be one of ${allowed.join(', ')}, not "${value}"`);
    }
    return this.#record(name, match ?? fallback);
  }

  /** A whole number from `min` to `max`, both included. */
  integer(name: string, fallback: number, min: number, max: number): number {
    return this.#record(name, this.optionalInteger(name, min, max) ?? fallback);
  }

  /** As `integer`, but undefined when it is not set. */
  optionalInteger(name: string, min: number, max: number): number | undefined {
    this.choices.set(name, { min, max });
    const value = this.optionalText(name);
    if (value === undefined) {
      return undefined;
    }
    const number = readWholeNumber(value);
    if (number === undefined || number < min || number > max) {
      this.mistake(name, `must be a whole number from ${min} to ${max}, not "${value}"`);
      return undefined;
    }
    return this.#record(name, number);
  }

  /** A number from 0 to 1. */
  fraction(name: string, fallback: number): number {
    const value = this.optionalText(name);
    if (value === undefined) {
      return this.#record(name, fallback);
    }
    const number = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= 0 && number <= 1)) {
      this.mistake(name, `must be a number from 0 to 1, not "${value}"`);
      return this.#record(name, fallback);
    }
    return this.#record(name, number);
  }

  /** A comma-separated list with at least one entry. The values are not repeated in mistakes. */
  list(name: string, fallback: string): readonly [string, ...string[]] {
    const [first, ...rest] = this.text(name, fallback)
      .split(',')
      .map((entry) => entry.trim());
    if (first === undefined || first === '' || rest.includes('')) {
      this.mistake(name, 'must be a comma-separated list without empty entries');
    }
    return this.#record(name, [first ?? fallback, ...rest]);
  }

  /** As `list`, but empty when it is not set; `problemOf` says what is wrong with an entry. */
  optionalList(name: string, problemOf: (entry: string) => string | undefined): readonly string[] {
    const text = this.optionalText(name);
    if (text === undefined) {
      return [];
    }
    const entries = text.split(',').map((entry) => entry.trim());
    for (const entry of entries) {
      const problem = problemOf(entry);
      if (problem !== undefined) {
        this.mistake(name, `${problem}, not "${entry}"`);
      }
    }
    return this.#record(name, entries);
  }

  /** Variables that are set with a name near one that was read; to be asked when all were read. */
  misspelt(): readonly MisspeltName[] {
    return misspeltNames(this.#env, new Set(this.values.keys()));
  }

  #record<T extends string | number | readonly string[] | undefined>(name: string, value: T): T {
    this.values.set(name, value);
    return value;
  }
}
