// Pure.
/**
 * The options of `kclite table`.
 *
 * @module
 */

import { type CommandOption, oneOf, option, type ValueKind } from "./command_spec.ts";

/** What is printed. */
export const PRINT: CommandOption<"terraform" | "iam" | "json"> = option(
  "print",
  oneOf(["terraform", "iam", "json"]),
  "table and policy as Terraform (the default), the policy alone, or the body of CreateTable",
);

const ACCOUNT_ID: ValueKind<string> = {
  label: "ID",
  expected: "an account id of 12 digits",
  read: (text) => /^\d{12}$/.test(text) ? text : undefined,
};

/** For ARNs. */
export const ACCOUNT: CommandOption<string> = option(
  "account",
  ACCOUNT_ID,
  "the account in ARNs (that of the stream's ARN; else *)",
);
