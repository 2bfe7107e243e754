/** How often the files of a profile are read again, in milliseconds: as often as the bus is looked at. */
const rereadMs = 10_000;
/** The SDK renews credentials this long before they expire, in milliseconds. */
const renewalMs = 300_000;

/**
 * The keys of a profile, read again every ten seconds: whoever renews temporary keys writes new ones into the file, and
 * the SDK, for which keys without a time of expiry are for ever, would keep the old ones until the process ends.
 */
export function profileCredentials(profile: string) {
  return async (identity?: Record<string, unknown>) => {
    // Loaded where a profile is used.
    const { fromIni } = await import('@aws-sdk/credential-provider-ini');
    const found = await fromIni({ profile, ignoreCache: true })(identity);
    return { ...found, expiration: found.expiration ?? new Date(Date.now() + renewalMs + rereadMs) };
  };
}
