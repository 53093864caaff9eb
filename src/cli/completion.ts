/**
 * Completion scripts for bash, zsh and fish, made from the commands themselves. Pure.
 *
 * Guarantee: every command, subcommand and long option is completed, without starting csn.
 * Not covered: names of tags and machines; in other places files are completed.
 */
import type { Command } from "commander";

/** What can follow a command: `path` is "" or "machine start". */
export type Words = { path: string; words: { name: string; description: string }[] };

export function wordsOf(command: Command, path: string[] = []): Words[] {
  const subcommands = command.commands.map((sub) => ({ name: sub.name(), description: sub.description() }));
  const helper = command.createHelp();
  const options = helper.visibleOptions(command).map((option) => ({
    name: option.long ?? option.short ?? "",
    description: option.description,
  }));
  const own = { path: path.join(" "), words: [...subcommands, ...options] };
  return [own, ...command.commands.flatMap((sub) => wordsOf(sub, [...path, sub.name()]))];
}

export function bashScript(tree: readonly Words[]): string {
  const cases = tree.map(
    ({ path, words }) => `    ${quoted(path)}) words=${quoted(words.map(({ name }) => name).join(" "))} ;;`,
  );
  return `# bash completion for csn: source <(csn completion bash)
_csn() {
  local path= words= word current=\${COMP_WORDS[COMP_CWORD]}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${patterns(tree)}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join("\n")}
  esac
  case "$path:$current" in
    run:[!-]* | run: | 'machine exec':[!-]* | 'machine exec':) COMPREPLY=($(compgen -c -- "$current")) ;;
    *) COMPREPLY=($(compgen -W "$words" -- "$current")) ;;
  esac
}
complete -o bashdefault -o default -F _csn csn ./csn
`;
}

export function zshScript(tree: readonly Words[]): string {
  const cases = tree.map(({ path, words }) => {
    const items = words.map(
      ({ name, description }) => `      ${quoted(`${name}:${description.replaceAll(":", "\\:")}`)}`,
    );
    return `    ${quoted(path)}) items=(\n${items.join("\n")}\n    ) ;;`;
  });
  return `#compdef csn
# zsh completion for csn: put it into a folder of $fpath as _csn
_csn() {
  local word here=
  local -a items
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${here:+$here }$word" in
      ${patterns(tree)}) here="\${here:+$here }$word" ;;
    esac
  done
  case "$here" in
${cases.join("\n")}
  esac
  _describe -t commands csn items
  _files
}
if [ "$funcstack[1]" = _csn ]; then _csn "$@"; else compdef _csn csn; fi
`;
}

export function fishScript(tree: readonly Words[]): string {
  const lines = tree.flatMap(({ path, words }) => {
    const condition = quoted(`test (__csn_path) = "${path}"`);
    return words.map(({ name, description }) => {
      const what = name.startsWith("--") ? `-l ${name.slice(2)}` : `-a ${name}`;
      return `complete -c csn -n ${condition} ${what} -d ${fishQuoted(description)}`;
    });
  });
  return `# fish completion for csn: csn completion fish > ~/.config/fish/completions/csn.fish
function __csn_path
  set -l path ''
  for word in (commandline -opc)[2..-1]
    switch (string trim "$path $word")
      case ${tree
        .filter(({ path }) => path !== "")
        .map(({ path }) => quoted(path))
        .join(" ")}
        set path (string trim "$path $word")
    end
  end
  echo "$path"
end
${lines.join("\n")}
`;
}

/** The paths as patterns of a shell's \`case\`. */
function patterns(tree: readonly Words[]): string {
  return tree
    .filter(({ path }) => path !== "")
    .map(({ path }) => quoted(path))
    .join(" | ");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
