import { computed, signal } from '@preact/signals';

/* Pages have addresses behind the #, so the service serves one page whatever the address is. */

/** Where the reader is. */
export interface Route {
  /** Such as `['payments', 'pay-1']`. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

const hash = signal(location.hash);
addEventListener('hashchange', () => (hash.value = location.hash));

/** See `Route`. */
export const route = computed<Route>(() => {
  const [path = '', query = ''] = hash.value.replace(/^#\/?/, '').split('?');
  return {
    path: path.split('/').filter(Boolean).map(decode),
    query: new URLSearchParams(query),
  };
});

/** The session whose payments are shown: `*` for those of all, empty for the global one. */
export const scope = computed(() => route.value.query.get('session') ?? '*');

/** The address of a page. The session stays, unless `query` has another; empty values are left out. */
export function hrefTo(
  path: readonly string[],
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const session = scope.value === '*' ? undefined : scope.value;
  const wanted = new URLSearchParams();
  for (const [name, value] of Object.entries({ session, ...query })) {
    // The global session has the empty name.
    if (value !== undefined && (value !== '' || name === 'session')) {
      wanted.set(name, value);
    }
  }
  const text = wanted.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

/** Goes to an address of `hrefTo`. */
export function goTo(href: string): void {
  location.hash = href;
}

/** The same page with other filters; the history does not grow with every letter. */
export function replaceQuery(query: Readonly<Record<string, string | undefined>>): void {
  const kept = Object.fromEntries(route.value.query);
  history.replaceState(undefined, '', hrefTo(route.value.path, { ...kept, ...query }));
  hash.value = location.hash;
}

/** What somebody typed behind the # may be no address. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
