/** `wuxing completion`: what a shell needs to complete commands and options. */
import type { Command } from "commander"
import type { Outcome, Run } from "./command"
import { type Definition, definitionsOf, optionsOf, takesPath } from "./definitions"
import { usageError } from "./options/usage"

const SHELLS = { bash, zsh, fish }
const NAMES = Object.keys(SHELLS)

export function addCompletion(program: Command, run: Run): void {
  program
    .command("completion")
    .description("print what a shell needs to complete commands and options")
    .argument("<shell>", NAMES.join(", "))
    .action((shell: string) => run<object>((_, context) => completion(shell, context.output))({}))
}

async function completion(shell: string, output: { print(text: string): void }): Promise<Outcome> {
  if (!Object.hasOwn(SHELLS, shell))
    throw usageError(
      `no completion for "${shell}", expected one of: ${NAMES.join(", ")}`,
      "for example: source <(wuxing completion bash)",
    )
  const { wholeProgram } = await import("./program")
  const program = await wholeProgram()
  const script = SHELLS[shell as keyof typeof SHELLS](program)
  output.print(script.trimEnd())
  return { document: { shell, script } }
}

function flagsOf({ command }: Definition, program: Command): string[] {
  return optionsOf(command, program).flatMap(({ short, long }) => [short, long].filter(isText))
}

function isText(value: string | undefined): value is string {
  return value !== undefined
}

/** In the case of the words so far: what may come next, files too where no command is under it. */
function bash(program: Command): string {
  const all = definitionsOf(program)
  const cases = all.map(definition => {
    const under = definition.command.commands.map(each => each.name())
    const next = [...under, ...flagsOf(definition, program)].join(" ")
    return `    "${definition.path.join(" ")}") next="${next}" ;;`
  })
  const withPaths = [
    ...new Set(
      all
        .flatMap(({ command }) => optionsOf(command, program).filter(takesPath))
        .map(({ long }) => long),
    ),
  ]
  const groups = all
    .filter(({ path, command }) => path.length > 0 && command.commands.length > 0)
    .map(({ path }) => path.join(" "))
  return `# bash completion of wuxing: source <(wuxing completion bash)
_wuxing() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} path="" next="" i
  case $before in
    ${withPaths.join("|")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      -*) ;;
      *)
        if [[ -z $path ]]; then path=\${COMP_WORDS[i]}
        elif [[ $path == @(${groups.join("|")}) ]]; then path="$path \${COMP_WORDS[i]}"; fi ;;
    esac
  done
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$next" -- "$word"))
  if [[ -n $path && $word != -* ]]; then COMPREPLY+=($(compgen -f -- "$word")); fi
}
shopt -s extglob
complete -o filenames -F _wuxing wuxing
`
}

/** zsh takes bash's functions. */
function zsh(program: Command): string {
  return `#compdef wuxing
# zsh completion of wuxing: source <(wuxing completion zsh)
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${bash(program).replace("shopt -s extglob\n", "setopt ksh_glob 2>/dev/null\n")}`
}

function fish(program: Command): string {
  const lines = ["# fish completion of wuxing: wuxing completion fish | source"]
  for (const { path, command } of definitionsOf(program)) {
    const under = command.commands.map(each => each.name())
    const seen = path.map(word => `__fish_seen_subcommand_from ${word}`)
    const none = under.length > 0 ? [`not __fish_seen_subcommand_from ${under.join(" ")}`] : []
    const when = quotedForFish([...seen, ...none].join("; and "))
    for (const each of command.commands)
      lines.push(
        `complete -c wuxing -f -n ${when} -a ${each.name()} -d ${quotedForFish(each.description())}`,
      )
    for (const option of optionsOf(command, program)) {
      const names = [
        ...(option.short ? ["-s", option.short.replace(/^-/, "")] : []),
        ...(option.long ? ["-l", option.long.replace(/^--/, "")] : []),
        ...(option.required ? ["-r"] : []),
        ...(option.required && !takesPath(option) ? ["-f"] : []),
      ]
      const condition = seen.length > 0 ? `-n ${when} ` : ""
      lines.push(
        `complete -c wuxing ${condition}${names.join(" ")} -d ${quotedForFish(option.description)}`,
      )
    }
  }
  return `${lines.join("\n")}\n`
}

function quotedForFish(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
}
