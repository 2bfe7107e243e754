/** One panel: what it asks Prometheus, and what a reader should make of the answer. */
export interface Panel {
  readonly title: string;
  /** What is shown, and what a bad value means. */
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: 'reqps' | 'ops' | 's' | 'percentunit' | 'short' | 'bytes';
  /** Queries with the legend of their lines. */
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  /** One figure instead of lines over time. */
  readonly stat?: true;
  /** Values from which a figure is shown yellow and red. */
  readonly thresholds?: { readonly yellow: number; readonly red: number };
  readonly max?: number;
}

/** Panels under a heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}
