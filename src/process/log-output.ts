import { write } from 'node:fs';
import { Fifo } from '../base/fifo.ts';
import type { LineSink } from './line-buffer.ts';

/** A file descriptor that lines are written to in their order, and that may stall or fail. */
export interface LogOutput extends LineSink {
  /** How many lines found no room so far. */
  lostLines(): number;
  /** Bytes that wait to be written. */
  waitingBytes(): number;
  /**
   * Resolves when all is written, when a write fails, or after `withinMs`.
   *
   * @returns how many lines are not written, and with what the last write failed; undefined without any.
   */
  end(withinMs: number): Promise<{ readonly lines: number; readonly cause: string } | undefined>;
}

/**
 * What waits to be written, in bytes. Half of it is for errors only: a line such as `Webhook given up` may be
 * the only trace of an event.
 */
export const maxWaitingBytes = 16_777_216;

/** How soon a write that found no room is tried again, twice as long each time; in milliseconds. */
const stalledRetryMinMs = 1;
const stalledRetryMaxMs = 64;
/** The same of one that failed. */
const failedRetryMs = 1_000;

/** How much is written at once, in bytes; what a pipe of Linux holds. */
const maxWriteBytes = 65_536;

interface Chunk {
  readonly bytes: Buffer;
  readonly lines: number;
}

interface State {
  readonly fd: number;
  readonly now: () => Date;
  readonly chunks: Fifo<Chunk>;
  /** What is being written: the rest of a chunk that was written in part is never left out. */
  current: Chunk | undefined;
  /** Of `current`. */
  writtenBytes: number;
  waitingBytes: number;
  waitingLines: number;
  lostLines: number;
  /** Of those, how many are not told yet. */
  untoldLines: number;
  isWriting: boolean;
  retry: NodeJS.Timeout | undefined;
  /** The next wait for room, in milliseconds. */
  stalledRetryMs: number;
  /** The code of the last write, undefined when it worked. */
  failure: string | undefined;
  /** Looks whether the end may come. */
  onChange: (() => void) | undefined;
}

/**
 * Writes lines to `fd` and survives whatever happens to it: a full disk (ENOSPC) and a reader that is gone
 * (EPIPE) are tried again every second, a reader that stalls (EAGAIN) more often, and what waits meanwhile is
 * bounded. pino's own destination retries ENOSPC for ever in its exit hook, keeps what it cannot write
 * without bound, and throws after its end (https://github.com/pinojs/sonic-boom/issues/65).
 *
 * @param fd must not block: a thread that is blocked in a write keeps the process from ending. See
 *   `openLogFile`.
 * @param now for the line that tells of lost lines.
 */
export function createLogOutput(fd: number, now: () => Date = () => new Date()): LogOutput {
  const self: State = {
    fd,
    now,
    chunks: new Fifo(),
    current: undefined,
    writtenBytes: 0,
    waitingBytes: 0,
    waitingLines: 0,
    lostLines: 0,
    untoldLines: 0,
    isWriting: false,
    retry: undefined,
    stalledRetryMs: stalledRetryMinMs,
    failure: undefined,
    onChange: undefined,
  };
  return {
    write: (text, lines, isUrgent) => accept(self, text, lines, isUrgent),
    lostLines: () => self.lostLines,
    waitingBytes: () => self.waitingBytes,
    end: (withinMs) => end(self, withinMs),
  };
}

function accept(self: State, text: string, lines: number, isUrgent: boolean): void {
  const bytes = Buffer.from(text);
  const room = isUrgent ? maxWaitingBytes : maxWaitingBytes / 2;
  if (self.waitingBytes + bytes.byteLength > room) {
    self.lostLines += lines;
    self.untoldLines += lines;
    return;
  }
  push(self, { bytes, lines });
  if (self.retry === undefined) {
    writeNext(self);
  }
}

function push(self: State, chunk: Chunk): void {
  self.chunks.push(chunk);
  self.waitingBytes += chunk.bytes.byteLength;
  self.waitingLines += chunk.lines;
}

function writeNext(self: State): void {
  self.current ??= takeTogether(self.chunks);
  const { current, writtenBytes } = self;
  if (current !== undefined && !self.isWriting) {
    self.isWriting = true;
    write(
      self.fd,
      current.bytes,
      writtenBytes,
      current.bytes.byteLength - writtenBytes,
      null,
      (error, count) => afterWrite(self, current, error, count),
    );
  }
}

/** Many small chunks as one: an error is a chunk of its own. */
function takeTogether(chunks: Fifo<Chunk>): Chunk | undefined {
  const taken: Chunk[] = [];
  let byteLength = 0;
  for (let next = chunks.peek(); next !== undefined && byteLength < maxWriteBytes; next = chunks.peek()) {
    chunks.shift();
    taken.push(next);
    byteLength += next.bytes.byteLength;
  }
  return taken.length < 2
    ? taken[0]
    : {
        bytes: Buffer.concat(taken.map(({ bytes }) => bytes)),
        lines: taken.reduce((sum, { lines }) => sum + lines, 0),
      };
}

function afterWrite(self: State, current: Chunk, error: NodeJS.ErrnoException | null, count: number): void {
  self.isWriting = false;
  self.failure = error === null ? undefined : (error.code ?? error.message);
  if (error === null) {
    self.stalledRetryMs = stalledRetryMinMs;
    self.writtenBytes += count;
    self.waitingBytes -= count;
    if (self.writtenBytes === current.bytes.byteLength) {
      self.current = undefined;
      self.writtenBytes = 0;
      self.waitingLines -= current.lines;
      tellOfLostLines(self);
    }
    writeNext(self);
  } else if (error.code === 'EAGAIN') {
    self.retry = setTimeout(retry, self.stalledRetryMs, self);
    self.stalledRetryMs = Math.min(self.stalledRetryMs * 2, stalledRetryMaxMs);
  } else {
    self.retry = setTimeout(retry, failedRetryMs, self);
  }
  self.onChange?.();
}

function retry(self: State): void {
  self.retry = undefined;
  writeNext(self);
}

/** Once all that waited is written, so that an output that is merely slow is told of once. */
function tellOfLostLines(self: State): void {
  if (self.untoldLines > 0 && self.chunks.size === 0) {
    const line = {
      level: 'warn',
      ts: self.now().toISOString(),
      lines: self.untoldLines,
      msg: 'Log lines were lost',
    };
    self.untoldLines = 0;
    push(self, { bytes: Buffer.from(`${JSON.stringify(line)}\n`), lines: 1 });
  }
}

async function end(self: State, withinMs: number) {
  if (self.retry !== undefined) {
    clearTimeout(self.retry);
    retry(self);
  }
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, withinMs);
    self.onChange = () => {
      const isHopeless = self.failure !== undefined && self.failure !== 'EAGAIN';
      if (!self.isWriting && (self.current === undefined || isHopeless)) {
        clearTimeout(timer);
        resolve();
      }
    };
    self.onChange();
  });
  const lines = self.waitingLines + self.untoldLines;
  return lines === 0 ? undefined : { lines, cause: self.failure ?? 'EAGAIN' };
}
