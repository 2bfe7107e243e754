import { type Command, Option } from 'commander';
import type { ListenOptions } from './listen-for-webhooks.ts';
import { collect, wholeNumber } from '../common/run-program.ts';

/** Adds `listen`: a receiver for webhooks. */
export function addListen(program: Command): void {
  program
    .command('listen')
    .helpGroup('Look and steer:')
    .summary('receives webhooks, verifies and prints them, and hands them on')
    .description(
      'Receives webhooks on any path, says whether their signature is right, prints them, and hands them on with --forward-to, whose answer it passes back. Until Ctrl-C.',
    )
    .option('-p, --port <port>', 'where to listen; 0 for any', wholeNumber(0, 65_535), 9_000)
    .option('--host <address>', 'the same', '127.0.0.1')
    .addOption(
      new Option(
        '--secret <secret>',
        'what they are signed with; may be repeated; WEBHOOK_SECRET unless given',
      ).argParser(collect),
    )
    .option('--forward-to <url>', 'hands each on, with its headers and its body as they came')
    .option(
      '--answer <status>',
      'what they are answered, where they are not handed on',
      wholeNumber(200, 599),
      204,
    )
    .option('--json', 'prints one object a webhook')
    .addHelpText(
      'after',
      `
Examples:
  payment-sim listen
  payment-sim listen --forward-to http://localhost:3000/webhooks
  payment-sim listen --answer 503`,
    )
    .action(async (options: ListenOptions) => {
      const { listenForWebhooks } = await import('./listen-for-webhooks.ts');
      await listenForWebhooks(options);
    });
}
