import { type Command, InvalidArgumentError, Option } from 'commander';
import { EntryKind, JournalEntrySchema } from '../../../gen/simulator/v1/simulator_pb.js';
import { allSessions } from '../../simulator/session.ts';
import { formatEntry } from '../common/life-line.ts';
import { paint, printJson, printLine, printPainted } from '../common/output.ts';
import { collect } from '../common/run-program.ts';
import { connectService, type ServiceOptions, withServiceOptions } from '../common/service.ts';
import { followJournal } from '../common/follow-journal.ts';

interface TailOptions extends ServiceOptions {
  readonly kind?: readonly string[];
  readonly payment?: string;
  readonly from: string;
}

const kinds: Readonly<Record<string, EntryKind>> = {
  calls: EntryKind.CALL,
  payments: EntryKind.TRANSITION,
  deliveries: EntryKind.DELIVERY,
};

/** Adds `tail`: what happens, as it happens. */
export function addTail(program: Command): void {
  withServiceOptions(
    program
      .command('tail')
      .helpGroup('Look and steer:')
      .summary('what happens, as it happens')
      .description('Shows calls, payments and deliveries of all sessions as they happen, until Ctrl-C.')
      .addOption(
        new Option('--kind <kind>', 'calls, payments or deliveries alone; may be repeated')
          .choices(Object.keys(kinds))
          .argParser((value: string, before: readonly string[]) => collect(checkKind(value), before)),
      )
      .option('--payment <id>', 'of one payment')
      .addOption(
        new Option('--from <where>', 'now, or oldest: all that is remembered')
          .choices(['now', 'oldest'])
          .default('now'),
      ),
  )
    .addHelpText(
      'after',
      '\nExamples:\n  payment-sim tail\n  payment-sim tail --session checkout-17 --kind deliveries --from oldest',
    )
    .action(tail);
}

function checkKind(value: string): string {
  if (kinds[value] === undefined) {
    throw new InvalidArgumentError(`Allowed choices are ${Object.keys(kinds).join(', ')}.`);
  }
  return value;
}

async function tail({ kind = [], payment, from, json, ...where }: TailOptions): Promise<void> {
  const session = where.session ?? allSessions;
  const service = connectService({ ...where, session }, true);
  const filter = {
    kinds: kind.map((name) => kinds[name] ?? EntryKind.UNSPECIFIED),
    ...(payment !== undefined && { paymentIntentId: payment }),
  };
  const say = (text: string) => (json === true ? undefined : printPainted(paint('dim', text)));
  await followJournal(
    service,
    { filter, from: from === 'oldest' ? 'oldest' : '' },
    {
      opened: () => say(`Watching ${service.url}. Ctrl-C ends it.`),
      entry: (entry) =>
        json === true
          ? printJson(JournalEntrySchema, entry)
          : printPainted(formatEntry(entry, session === allSessions)),
      skipped: (count) =>
        printLine(count < 0 ? 'another simulator answers now' : `${count} entries were forgotten`),
      broken: (reason) => say(`${reason}; trying again`),
    },
  );
}
