/**
 * What `kclite put` is.
 *
 * @module
 */

import { type CommandSpec, JSON_FLAG } from "./command_spec.ts";
import { KEY_FIELD, PARTITION_KEY } from "./put_options.ts";

/** The command. */
export const PUT: CommandSpec = {
  name: "put",
  summary: "puts each line of the standard input into a stream",
  about: [
    "Puts each line as one record, its bytes as they are, without the end of the line. Empty lines are left " +
    "out. Lines go out in batches within Kinesis's limits, one after the other. What a shard has no room for " +
    "is put again, with pauses. A record may be put twice when an answer is lost.",
    "A line of more than 1 MiB needs a stream that is set to take it; a line of more than 10 MiB is refused, " +
    "with its number. Ctrl-C ends after the batch under way, and says where it stopped.",
  ],
  operands: [],
  target: "stream",
  options: [PARTITION_KEY, KEY_FIELD, JSON_FLAG],
  examples: [
    {
      command: "kclite put app.properties",
      what: "puts two lines: printf 'one\\ntwo\\n' | kclite put app.properties",
      input: "one\ntwo\n",
    },
    {
      command: "kclite put --key-field customer --json app.properties",
      what: "puts orders in order for each customer: cat orders.jsonl | kclite put …",
      input: '{"customer":"c-1","order":17}\n{"customer":"c-2","order":18}\n{"order":19}\n',
    },
  ],
  exitCodes: [{ code: 1, meaning: "when some could not be put" }],
  load: async () => (await import("./put_program.ts")).put,
};
