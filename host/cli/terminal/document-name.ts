/**
 * What each document of `--json` says it is: `wuxing:demo-adapt:1`, the `$id` of its schema (docs/json.md).
 * The number is raised when a member is taken away or means something else, not for a new one.
 */
const VERSION = 1

/** @param path words of the command: ["demo", "adapt"]; ["error"] where there is nothing but an error */
export function documentName(path: readonly string[]): string {
  return ["wuxing", path.join("-"), VERSION].join(":")
}
