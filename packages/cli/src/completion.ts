// Shell completion: scripts that know the commands, their options and what both take.
import type { Command } from 'commander';
import { argumentWords, optionWords } from './completion-words.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The script that a shell reads to complete a program's words. */
export const completionScript = (program: Command, shell: Shell): string => SCRIPTS[shell](program);

const SCRIPTS: Readonly<Record<Shell, (program: Command) => string>> = {
  bash: bashScript,
  // zsh reads scripts of bash.
  zsh: (program) =>
    `autoload -Uz compinit bashcompinit\n(( $+functions[compdef] )) || compinit\nbashcompinit\n${bashScript(program)}`,
  fish: fishScript,
};

const flagsOf = ({ options }: Command): string[] => options.flatMap(({ long }) => long ?? []);

/** A function with one case for each command, and one for each option with choices. */
function bashScript(program: Command): string {
  const name = program.name();
  const cases = program.commands.map((command) => {
    const choices = command.options.flatMap((option) => {
      const words = optionWords(command, option);
      return option.long && words.length > 0 ? [`${option.long}) words="${words.join(' ')}" ;;`] : [];
    });
    const others = [...argumentWords(command), ...flagsOf(command), '--help'];
    const byOption = [...choices, `*) words="${others.join(' ')}" ;;`].join(' ');
    return `    ${command.name()}) case "$previous" in ${byOption} esac ;;`;
  });
  return `_${name}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" words
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="${[...program.commands.map((command) => command.name()), ...flagsOf(program), '--help'].join(' ')}" ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words="${[...program.commands.map((command) => command.name()), ...flagsOf(program), '--help'].join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _${name} ${name}
`;
}

function fishScript(program: Command): string {
  const name = program.name();
  const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const commands = program.commands.map(
    (command) =>
      `complete -c ${name} -n __fish_use_subcommand -f -a ${command.name()} -d ${quoted(command.description())}`,
  );
  const options = program.commands.flatMap((command) =>
    command.options.flatMap((option) => {
      const { long, description, argChoices, required } = option;
      if (!long) return [];
      const words = optionWords(command, option);
      // What may be a file as well is completed as one, too.
      const only = argChoices === undefined ? '-r' : '-x';
      const value = words.length > 0 ? ` ${only} -a ${quoted(words.join(' '))}` : required ? ' -r' : '';
      return `complete -c ${name} -n '__fish_seen_subcommand_from ${command.name()}' -l ${long.slice(2)}${value} -d ${quoted(description)}`;
    }),
  );
  const names = program.commands.flatMap((command) => {
    const words = argumentWords(command);
    return words.length === 0
      ? []
      : [`complete -c ${name} -n '__fish_seen_subcommand_from ${command.name()}' -a ${quoted(words.join(' '))}`];
  });
  return `${[...commands, ...names, ...options].join('\n')}\n`;
}
