import { format } from 'prettier';
import { describeCli } from './cli-page.ts';
import { describeConfiguration } from './configuration-page.ts';
import { describeContract } from './contract-page.ts';
import { describeErrors } from './errors/errors-page.ts';
import { describeMetrics } from './metrics-page.ts';

/** The pages of docs/reference that are made from the code, by their names. */
const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'cli.md': describeCli,
  'configuration.md': describeConfiguration,
  'contract.md': describeContract,
  'errors.md': describeErrors,
  'metrics.md': describeMetrics,
};

/** The pages as they must be, by their paths from the root. */
export async function makePages(): Promise<ReadonlyMap<string, string>> {
  const made = Object.entries(pages).map(async ([name, describe]): Promise<[string, string]> => [
    `docs/reference/${name}`,
    await format(await describe(), { parser: 'markdown' }),
  ]);
  return new Map(await Promise.all(made));
}
