/* Calls in the words of other tools, for a terminal or a test. */

/** A call of the API. */
export interface CallText {
  /** Such as `payment.v1.PaymentService`. */
  readonly service: string;
  /** Such as `CreatePaymentIntent`. */
  readonly method: string;
  /** The message, as JSON. */
  readonly json: string;
  /** Empty for the global one. */
  readonly session: string;
}

/** For a POSIX shell: what stands between the quotes is left alone, whatever it is. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command of curl. `origin` is such as `http://localhost:8030`. */
export function asCurl(origin: string, { service, method, json, session }: CallText): string {
  return [
    `curl -s ${origin}/${service}/${method} -H 'content-type: application/json'`,
    ...(session === '' ? [] : [`-H ${quoteForShell(`payment-sim-session: ${session}`)}`]),
    `-d ${quoteForShell(json)}`,
  ].join(' \\\n  ');
}

/** A command of grpcurl, which asks the service for its contract: REFLECTION has to be on. */
export function asGrpcurl(origin: string, { service, method, json, session }: CallText): string {
  return [
    'grpcurl -plaintext',
    ...(session === '' ? [] : [`-H ${quoteForShell(`payment-sim-session: ${session}`)}`]),
    `-d ${quoteForShell(json)}`,
    `${new URL(origin).host} ${service}/${method}`,
  ].join(' \\\n  ');
}

/** A call of grpc-go, with the stubs of examples/go. */
export function asGo(origin: string, { method, json, session }: CallText): string {
  return [
    `conn, err := grpc.NewClient(${quoteForGo(new URL(origin).host)}, grpc.WithTransportCredentials(insecure.NewCredentials()))`,
    'if err != nil {',
    '\tlog.Fatal(err)',
    '}',
    'defer conn.Close()',
    'ctx := context.Background()',
    ...(session === ''
      ? []
      : [`ctx = metadata.AppendToOutgoingContext(ctx, "payment-sim-session", ${quoteForGo(session)})`]),
    `var request paymentv1.${method}Request`,
    `if err := protojson.Unmarshal([]byte(${quoteForGo(json)}), &request); err != nil {`,
    '\tlog.Fatal(err)',
    '}',
    `answer, err := paymentv1.NewPaymentServiceClient(conn).${method}(ctx, &request)`,
  ].join('\n');
}

/** Go's interpreted strings escape as JSON's do, but for what JSON writes as pairs of surrogates, which it leaves as it is. */
function quoteForGo(text: string): string {
  return text.includes('`') || text.includes('\r') ? JSON.stringify(text) : `\`${text}\``;
}
