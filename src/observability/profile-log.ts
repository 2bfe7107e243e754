import type { AwsConfig } from '../aws/aws-config.ts';
import { missingProfile } from '../aws/credential-source.ts';
import type { Logger } from './logger.ts';

/** Tells at the start that AWS_PROFILE names a profile that no file has: credentials then come from elsewhere, or nowhere. */
export function logMissingProfile(logger: Logger, aws: AwsConfig): void {
  const profile = missingProfile(aws);
  if (profile !== undefined) {
    logger.warn({ profile }, 'AWS_PROFILE names a profile that is not there');
  }
}
