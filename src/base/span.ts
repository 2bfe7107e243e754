import type { CallTrace } from './call-trace.ts';

/** What a span says of its work; what is undefined is left out. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** Who waits for whom, as OpenTelemetry names it. */
export type SpanKind = 'internal' | 'server' | 'client' | 'producer' | 'consumer';

/** A span that begins. */
interface SpanStart {
  /** One of few: ids are attributes. */
  readonly name: string;
  readonly kind: SpanKind;
  /** What the work belongs to; undefined begins a trace. */
  readonly parent: CallTrace | undefined;
  readonly attributes: SpanAttributes;
  /** When the work began, by `performance.now()`; now unless given. */
  readonly startedAtMs?: number;
}

/** A stretch of work in a trace, under way. */
export interface Span {
  /** The trace with this span as the parent of what comes next; always with a `traceparent`. */
  readonly trace: CallTrace;
  /**
   * Called once, when the work has ended.
   *
   * @param error why it failed, short; undefined when it did not.
   */
  end(attributes?: SpanAttributes, error?: string): void;
}

/** Begins a span. Never throws, and does nothing that takes long. */
export type StartSpan = (start: SpanStart) => Span;
