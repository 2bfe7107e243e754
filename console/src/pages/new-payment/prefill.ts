import { choicesOf, type FieldPath, fieldPaths, type FormValues, isFieldPath, kindOf } from './fields.ts';

/* Addresses that fill in the form, such as `#/new?user=kim&failure_code=lost_card&api.code=UNAVAILABLE`. Pure. */

/** Shorter than their paths. */
const shortNames: Readonly<Partial<Record<FieldPath, string>>> = {
  user_id: 'user',
  reservation_id: 'reservation',
  'amount.amount': 'amount',
  'amount.currency': 'currency',
};

const prefix = 'simulation.';
const pathsByName = new Map<string, FieldPath>(fieldPaths.map((path) => [nameOf(path), path]));

/** What an address fills in. Names are those of `toQuery`, and paths; what is not known is passed over. */
export function fromQuery(query: Iterable<readonly [string, string]>): FormValues {
  const values: Partial<Record<FieldPath, string>> = {};
  for (const [name, text] of query) {
    const path = pathsByName.get(name) ?? (isFieldPath(name) ? name : undefined);
    const value = path === undefined ? '' : read(path, text);
    if (path !== undefined && value !== '') {
      values[path] = value;
    }
  }
  return values;
}

/** An address that fills in the same. Each has a reservation of its own. */
export function toQuery(values: FormValues): Record<string, string> {
  const query: Record<string, string> = {};
  for (const path of fieldPaths) {
    const text = values[path] ?? '';
    if (text !== '' && path !== 'reservation_id') {
      query[nameOf(path)] = write(path, text);
    }
  }
  return query;
}

function nameOf(path: FieldPath): string {
  return shortNames[path] ?? (path.startsWith(prefix) ? path.slice(prefix.length) : path);
}

/** Names of enums are taken in full and in short, as the header `payment-sim-behavior` does. */
function read(path: FieldPath, text: string): string {
  const kind = kindOf(path);
  if (kind === 'flag') {
    return text === 'true' ? text : '';
  }
  return typeof kind === 'string'
    ? text
    : (choicesOf(path, kind).find(({ name, short }) => name === text || short === text)?.name ?? '');
}

function write(path: FieldPath, text: string): string {
  const kind = kindOf(path);
  return typeof kind === 'string'
    ? text
    : (choicesOf(path, kind).find(({ name }) => name === text)?.short ?? text);
}
