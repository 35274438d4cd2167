/** Completion scripts: verbs and flags are written into them, names of Rollouts are asked for when they are needed. */

export interface CompletedVerb {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly string[];
  readonly takesNames: boolean;
  /** What else may follow. */
  readonly words: readonly string[];
}

type Script = (verbs: readonly CompletedVerb[], globalFlags: readonly string[]) => string;

const NAMES = `weir get -o name 2>/dev/null | sed 's|.*/||'`;

export const completionFor: Readonly<Record<"bash" | "zsh" | "fish", Script>> = { bash, zsh, fish };

function bash(verbs: readonly CompletedVerb[], globalFlags: readonly string[]): string {
  return `${wordsFunction(verbs, globalFlags)}
_weir() {
  local word="\${COMP_WORDS[COMP_CWORD]}" verb="" each
  for each in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$each" in -*) ;; *) verb="$each"; break ;; esac
  done
  COMPREPLY=($(compgen -W "$(_weir_words "$verb" "$word")" -- "$word"))
}
complete -o default -F _weir weir kubectl-weir
`;
}

function zsh(verbs: readonly CompletedVerb[], globalFlags: readonly string[]): string {
  return `#compdef weir kubectl-weir
${wordsFunction(verbs, globalFlags)}
_weir() {
  local word="\${words[CURRENT]}" verb="" each
  for each in "\${(@)words[2,CURRENT-1]}"; do
    case "$each" in -*) ;; *) verb="$each"; break ;; esac
  done
  compadd -- \${(f)"$(_weir_words "$verb" "$word" | tr ' ' '\\n')"} || _files
}
compdef _weir weir kubectl-weir
`;
}

/** For bash and zsh: what may follow a verb. */
function wordsFunction(verbs: readonly CompletedVerb[], globalFlags: readonly string[]): string {
  const cases = verbs.map(({ name, flags, takesNames, words }) => {
    const names = takesNames ? `; ${NAMES}` : "";
    return `    ${name}) case "$2" in -*) echo "${[...flags, ...globalFlags].join(" ")}" ;; *) echo "${words.join(" ")}"${names} ;; esac ;;`;
  });
  return `_weir_words() {
  case "$1" in
    "") echo "${[...verbs.map(({ name }) => name), "help", ...globalFlags].join(" ")}" ;;
${cases.join("\n")}
  esac
}`;
}

function fish(verbs: readonly CompletedVerb[], globalFlags: readonly string[]): string {
  const all = verbs.map(({ name }) => name).join(" ");
  const lines = verbs.flatMap(({ name, summary, flags, takesNames, words }) => {
    const after = `complete -c weir -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c weir -f -n 'not __fish_seen_subcommand_from ${all}' -a ${name} -d '${summary.replaceAll("'", "\\'")}'`,
      ...(takesNames ? [`${after} -f -a "(${NAMES.replaceAll('"', '\\"')})"`] : []),
      ...(words.length > 0 ? [`${after} -f -a '${words.join(" ")}'`] : []),
      ...flags.map((flag) => `${after} -l ${flag.slice(2)}`),
    ];
  });
  return [...lines, ...globalFlags.map((flag) => `complete -c weir -l ${flag.slice(2)}`), ""].join("\n");
}
