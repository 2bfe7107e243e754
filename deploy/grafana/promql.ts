/** What the variables at the top of the dashboard select: processes of the service. */
export const pods = 'namespace=~"$namespace",job=~"$job",pod=~"$pod"';
/** The worker has a job of its own; where a metric is the service's as well, both. */
export const worker = 'namespace=~"$namespace"';
/** Probes and tools ask gRPC's own services. */
export const calls = `${pods},grpc_service!~"grpc[.].*"`;
/** What callers cannot put right. */
export const serverErrors = 'grpc_code=~"Internal|Unknown|Unavailable|DataLoss"';
/** Legend of a line per process. */
export const process = '{{pod}} {{instance}}';

/** Per second, over as long as Grafana finds right. */
export function rate(series: string): string {
  return `rate(${series}[$__rate_interval])`;
}

/** The value that `portion` of the observations do not exceed. */
export function quantile(portion: number, histogram: string, selector: string, by = ''): string {
  return `histogram_quantile(${portion}, sum by (${by}le) (${rate(`${histogram}_bucket{${selector}}`)}))`;
}

/**
 * A figure of all processes together. Those with Redis share it, and each of them tells the whole of it;
 * those without tell their own.
 */
export function ofAll(series: string, by?: string): string {
  const grouping = by === undefined ? '' : ` by (${by})`;
  return `sum${grouping} (${series} unless on (job, instance) redis_up) or max${grouping} (${series})`;
}

/** How much of `whole` is `part`. */
export function share(part: string, whole: string): string {
  return `sum(${rate(part)}) / sum(${rate(whole)})`;
}

/** The share of calls that fail by no fault of the caller, and that no tester asked for. */
export const failingShare = `clamp_min(sum(${rate(`grpc_server_handled_total{${calls},${serverErrors}}`)}) - (sum(${rate(`payment_simulated_faults_total{${pods},fault=~"error|drop"}`)}) or vector(0)), 0) / sum(${rate(`grpc_server_handled_total{${calls}}`)})`;
