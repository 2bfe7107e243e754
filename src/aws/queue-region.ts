/**
 * The region in the URL of a queue of AWS itself, by the names of its endpoints; undefined for others.
 * https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
 */
export function regionOfQueue(queueUrl: string | undefined): string | undefined {
  const host = queueUrl === undefined ? undefined : URL.parse(queueUrl)?.hostname;
  const match =
    /(?:^|\.)sqs(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.|api\.)?(?:amazonaws|aws)(?:\.|$)/.exec(host ?? '') ??
    /^([a-z0-9-]+)\.queue\.amazonaws\./.exec(host ?? '');
  return match?.[1];
}
