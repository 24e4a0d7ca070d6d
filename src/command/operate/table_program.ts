/**
 * Runs `kclite table`.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import { printedTable } from "../../operate/check/table_print.ts";
import { type CommandRun, WrongUsage } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";
import { ACCOUNT, PRINT } from "./table_options.ts";
import { workerSetup } from "./worker_setup_of.ts";

/** Runs it. */
export async function table({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const asked = flags.of(PRINT);
  if (context.isJson && asked === "terraform") {
    throw new WrongUsage("Expected --print json or iam with --json: got terraform, which is no JSON");
  }
  const format = asked ?? (context.isJson ? "json" : "terraform");
  const access = await context.openFleet();
  const setup = workerSetup(
    await context.configuration(),
    access,
    context.host.options?.kinesis !== undefined,
  );
  const arn = access.streams.find(({ streamArn }) => streamArn !== undefined)?.streamArn;
  const accountId = flags.of(ACCOUNT) ?? (arn === undefined ? undefined : parseStreamArn(arn).accountId);
  context.terminal.printLines(printedTable(setup, format, accountId).split("\n"));
  return 0;
}
