import { createHash } from 'node:crypto';

/** Equal for equal parameters, whichever protocol they came by. */
export function fingerprintOf(parameters: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parameters)).digest('base64');
}
