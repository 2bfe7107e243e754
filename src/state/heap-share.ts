import { getHeapStatistics } from 'node:v8';

const mebibyte = 2 ** 20;
/** What the program itself takes of the old generation, in bytes; measured on Node 24. */
const programBytes = 40 * mebibyte;
/** The rest is for calls under way, for what is not counted, and for garbage. */
const share = 0.6;
const minBytes = 8_000_000;
/**
 * V8's limit is that of both generations. Unless told otherwise the young one has three semi-spaces of a
 * 64th of the old one each, and less in small heaps.
 */
const oldGenerationShare = 64 / 67;

/** What testers look at takes at most this share of the same. */
const journalShare = 0.125;
const minJournalBytes = 1_048_576;

/**
 * How many bytes payments may take, unless told otherwise: 60 % of what the old generation has above 40 MiB.
 *
 * @param options the process's own; `--max-old-space-size` leaves the young generation as large as it is
 *   without, so that V8's limit says little.
 */
export function defaultPaymentsBytes(limitBytes?: number, options?: readonly string[]): number {
  return Math.max(minBytes, Math.floor(freeBytes(limitBytes, options) * share));
}

/** How many of the bytes that it may take the journal does take: in small heaps an eighth of what there is. */
export function journalBytesOf(maxBytes: number, limitBytes?: number, options?: readonly string[]): number {
  return Math.min(
    maxBytes,
    Math.max(minJournalBytes, Math.floor(freeBytes(limitBytes, options) * journalShare)),
  );
}

/** What the old generation has for all that is kept, in bytes. */
function freeBytes(
  limitBytes = getHeapStatistics().heap_size_limit,
  options: readonly string[] = [process.env['NODE_OPTIONS'] ?? '', ...process.execArgv],
): number {
  const given = [...options.join(' ').matchAll(/--max[-_]old[-_]space[-_]size[= ](\d+)/g)].at(-1)?.[1];
  const oldBytes = given === undefined ? limitBytes * oldGenerationShare : Number(given) * mebibyte;
  return oldBytes - programBytes;
}
