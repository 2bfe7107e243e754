import { ConnectionError } from './errors.ts';
import { errorCodes } from './constants.ts';

/** So many at once, and then so many a second. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * What one connection may do that costs this side work and moves nothing on; beyond it the connection is ended with
 * ENHANCE_YOUR_CALM. docs/security.md has them in a table. Each frame of an answer allows one more of what honest
 * peers do about answers: see `FloodLimits.answered`.
 */
export const floodRates = {
  /** PING, PRIORITY, GOAWAY and frames of unknown types. */
  controlFrames: { burst: 10_000, perSecond: 1_000 },
  /** SETTINGS: each may change the windows of all streams. gRPC's clients send one when they have measured anew. */
  settings: { burst: 1_000, perSecond: 20 },
  /** DATA that is empty and ends nothing. */
  emptyData: { burst: 1_000, perSecond: 100 },
  /** WINDOW_UPDATE: readers of long streams send one for each few kilobytes. */
  windowUpdates: { burst: 50_000, perSecond: 10_000 },
  /** DATA of this side that is short for want of window: one SETTINGS may open the windows of all streams by a byte. */
  shortAnswers: { burst: 50_000, perSecond: 10_000 },
  /** Streams beyond the limit, which are refused. */
  refusedStreams: { burst: 1_000, perSecond: 100 },
  /** Errors of streams, such as malformed requests. */
  streamErrors: { burst: 1_000, perSecond: 100 },
} as const satisfies Record<string, Rate>;

/** Streams that the peer resets, beyond as many at once as there may be. */
const resetsPerSecond = 100;
/** DATA that is shorter than this because of the window is counted, in bytes. */
export const shortDataBytes = 256;
/** A block of headers may come in so many frames, and be so many times the size of the headers that it may hold. */
export const maxHeaderFrames = 16;
export const maxBlockFactor = 2;
/** Headers of one request. */
export const maxHeaderFields = 128;
/** Entries of one SETTINGS frame. */
export const maxSettingsEntries = 32;
/** While so much has been written that the peer has not read, in bytes, nothing more is read of it or written to it. */
export const maxUnsentBytes = 1_048_576;
/** While answers of so many bytes wait for windows, or for the peer to read, new streams are refused. */
export const maxQueuedBytes = 8_388_608;
/** The same of all connections together: beyond it an answer that would have to wait is given up. */
export const maxQueuedInAllBytes = 67_108_864;
/** Bodies of all connections of which nobody has read so much: a piece that would have to wait is not waited for. */
export const maxUnreadInAllBytes = 67_108_864;

/** Those of one connection. */
export class FloodLimits {
  readonly controlFrames = new FloodLimit(floodRates.controlFrames, 'control frames');
  readonly settings = new FloodLimit(floodRates.settings, 'SETTINGS frames');
  readonly emptyData = new FloodLimit(floodRates.emptyData, 'empty DATA frames');
  readonly windowUpdates = new FloodLimit(floodRates.windowUpdates, 'WINDOW_UPDATE frames');
  readonly shortAnswers = new FloodLimit(floodRates.shortAnswers, 'answers in small pieces');
  readonly refusedStreams = new FloodLimit(floodRates.refusedStreams, 'streams beyond the limit');
  readonly streamErrors = new FloodLimit(floodRates.streamErrors, 'errors of streams');
  readonly resets: FloodLimit;

  /** @param maxConcurrentStreams so many resets at once are a caller's whose deadline passes. */
  constructor(maxConcurrentStreams: number) {
    this.resets = new FloodLimit({ burst: maxConcurrentStreams, perSecond: resetsPerSecond }, 'resets');
  }

  /**
   * A frame of an answer has been sent: the peer may send one more of its own, at any rate of calls. grpc-go 1.85 sends
   * a PING upon DATA whenever none is outstanding (`internal/transport/bdp_estimator.go`), 6,003 a second of one caller;
   * simple clients send WINDOW_UPDATE for each DATA frame; a watch ends with a reset, behind which grpc-java 1.83 may
   * send DATA.
   */
  answered(): void {
    this.controlFrames.allow();
    this.windowUpdates.allow();
    this.resets.allow();
    this.streamErrors.allow();
  }
}

/** Counts what is allowed at a rate. */
export class FloodLimit {
  readonly #rate: Rate;
  readonly #what: string;
  #left: number;
  #atMs = 0;

  constructor(rate: Rate, what: string) {
    this.#rate = rate;
    this.#what = what;
    this.#left = rate.burst;
  }

  /**
   * @param nowMs by a monotonic clock.
   * @throws ConnectionError ENHANCE_YOUR_CALM when there were too many.
   */
  count(nowMs: number): void {
    const { burst, perSecond } = this.#rate;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) / 1_000) * perSecond) - 1;
    this.#atMs = nowMs;
    if (this.#left < 0) {
      throw new ConnectionError(errorCodes.enhanceYourCalm, `too many ${this.#what}`);
    }
  }

  /** Allows one more, as far as that is not more than may come at once. */
  allow(): void {
    if (this.#left < this.#rate.burst) {
      this.#left += 1;
    }
  }
}
