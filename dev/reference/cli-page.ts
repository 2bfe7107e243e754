import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';

/* docs/reference/cli.md: what `--help` of every command says. */

/** Columns of the help. */
const width = 100;

/** The page, in Markdown. */
export async function describeCli(): Promise<string> {
  const program = await createProgram();
  const sections = commandsOf(program).map(
    (command) => `## ${nameOf(command)}\n\n\`\`\`text\n${helpOf(command).trimEnd()}\n\`\`\`\n`,
  );
  return `# Commands

\`payment-sim\` is one program with subcommands: \`npx payment-sim\` where the package is installed, \`npm run -s payment-sim --\` in a clone, and what follows the image's name in \`docker run payment-sim …\`. Without a command it runs the service.

All that talk to a service take \`--url\`, \`--session\` and, for machines, \`--json\`: one object a line, as the service answers it. What is mistyped is told with what may have been meant. \`NO_COLOR\` is honoured.

| Exit code | Means                                                                                                                          |
| --------- | ------------------------------------------------------------------------------------------------------------------------------ |
| 0         | done                                                                                                                           |
| 1         | not done, with the reason on standard error: refused, not found, mistakes in the configuration, a check that failed            |
| 2         | the command line is not understood                                                                                             |
| 3         | the service does not answer                                                                                                    |
| 130       | service, worker or dev ended at once by a second Ctrl-C                                                                        |

\`source <(payment-sim completion bash)\` completes commands, options and their values; zsh and fish have theirs.

${sections.join('\n')}`;
}

/** The program, and every command that it shows. */
function commandsOf(command: Command): readonly Command[] {
  const shown = command.createHelp().visibleCommands(command);
  return [command, ...shown.flatMap(commandsOf)];
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
  let text = '';
  command
    .configureOutput({
      writeOut: (part) => (text += part),
      getOutHelpWidth: () => width,
      getOutHasColors: () => false,
    })
    .outputHelp();
  return text;
}
