import { Argument, type Command, type Option } from 'commander';
import { printPainted } from '../common/output.ts';

/* `payment-sim completion`: scripts for shells, which ask the hidden command `complete` what may come next. */

interface Candidate {
  readonly word: string;
  readonly text: string;
}

const bash = `_payment_sim() {
  local IFS=$'\\n'
  COMPREPLY=($(payment-sim complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _payment_sim payment-sim`;

const zsh = `#compdef payment-sim
_payment_sim() {
  local -a lines found
  local line
  lines=("\${(@f)$(payment-sim complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $lines; do
    found+=("\${\${line//:/\\\\:}/$'\\t'/:}")
  done
  if (( $#found )); then _describe payment-sim found; else _files; fi
}
compdef _payment_sim payment-sim`;

const fish = `complete -c payment-sim -f -a '(payment-sim complete -- (commandline -opc | tail -n +2) (commandline -ct) 2>/dev/null)'`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/** Adds `completion`. */
export function addCompletion(program: Command): void {
  program
    .command('completion')
    .helpGroup('Look after it:')
    .summary('prints what a shell needs to complete commands')
    .description('Prints a script that lets a shell complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'which').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
Examples:
  source <(payment-sim completion bash)
  source <(payment-sim completion zsh)
  payment-sim completion fish | source`,
    )
    .action((shell: string) => printPainted(scripts[shell] ?? ''));
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: readonly string[]) => {
      for (const { word, text } of findCandidates(program, words)) {
        printPainted(`${word}\t${text}`);
      }
    });
}

/**
 * What the last of the words may be.
 *
 * @param words without the name of the program; the last one may be empty or incomplete.
 */
export function findCandidates(program: Command, words: readonly string[]): readonly Candidate[] {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const command = before.reduce(
    (at, word) => at.commands.find((each) => each.name() === word) ?? at,
    program,
  );
  // Without the name of a command it is `start`.
  const named = command === program && last.startsWith('-') ? startOf(program) : [];
  const options = [...command.createHelp().visibleOptions(command), ...named];
  const open = options.find((option) => takesValue(option) && isCalled(option, before.at(-1)));
  const candidates =
    open !== undefined
      ? (open.argChoices ?? []).map((word) => ({ word, text: '' }))
      : last.startsWith('-')
        ? options.map((option) => ({ word: option.long ?? option.flags, text: option.description }))
        : wordsOf(command);
  return candidates.filter(({ word }) => word.startsWith(last));
}

function startOf(program: Command): readonly Option[] {
  return program.commands.find((command) => command.name() === 'start')?.options ?? [];
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function isCalled({ long, short }: Option, word: string | undefined): boolean {
  return word !== undefined && [long, short].includes(word);
}

/** The commands under it, or the choices of its first argument. */
function wordsOf(command: Command): readonly Candidate[] {
  const commands = command.createHelp().visibleCommands(command);
  return commands.length > 0
    ? commands.map((each) => ({ word: each.name(), text: each.summary() || each.description() }))
    : (command.registeredArguments[0]?.argChoices ?? []).map((word) => ({ word, text: '' }));
}
