/**
 * The key under which an idempotent call is remembered.
 *
 * @param scope of the session, undefined outside of any.
 */
export function toScopedKey(parts: readonly string[], scope: string | undefined): string {
  return JSON.stringify(scope === undefined ? parts : [...parts, scope]);
}
