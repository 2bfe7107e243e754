import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * For the environment of a command that a test starts: what Node has compiled is kept for the next start,
 * which then takes half of the CPU time. The service asks for the same by itself, in the same directory.
 */
export const compileCache: Readonly<Record<string, string>> = {
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'node-compile-cache'),
};
