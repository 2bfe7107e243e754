/**
 * Reads the numbers of an enum in a contract. proto3 enums are open: a number without a name in the schema is
 * parsed as that number, and is `'unknown'` here. 0 is nothing.
 *
 * @param numbers of the names that the domain has.
 */
export function createEnumReader<Name extends string>(
  numbers: Readonly<Partial<Record<Name, number>>>,
): (number: number) => Name | undefined | 'unknown' {
  const names = new Map<number, Name>();
  for (const name in numbers) {
    const number = numbers[name];
    if (number !== undefined) {
      names.set(number, name);
    }
  }
  return (number) => (number === 0 ? undefined : (names.get(number) ?? 'unknown'));
}
