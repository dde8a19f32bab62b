// Shell completion: scripts that know the commands, their options and the options' choices.
import type { Command } from 'commander';

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
    const choices = command.options.flatMap(({ long, argChoices }) =>
      long && argChoices ? [`${long}) words="${argChoices.join(' ')}" ;;`] : [],
    );
    const byOption = [...choices, `*) words="${[...flagsOf(command), '--help'].join(' ')}" ;;`].join(' ');
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
    command.options.flatMap(({ long, description, argChoices, required }) => {
      if (!long) return [];
      const value = argChoices ? ` -x -a ${quoted(argChoices.join(' '))}` : required ? ' -r' : '';
      return `complete -c ${name} -n '__fish_seen_subcommand_from ${command.name()}' -l ${long.slice(2)}${value} -d ${quoted(description)}`;
    }),
  );
  return `${[...commands, ...options].join('\n')}\n`;
}
