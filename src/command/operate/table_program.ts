/**
 * Runs `kclite table`.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import { printedTable } from "../../operate/check/table_print.ts";
import type { CommandRun } from "./command_spec.ts";
import type { OperateContext } from "./operate_context.ts";
import { ACCOUNT, PRINT } from "./table_options.ts";
import { workerSetup } from "./worker_setup_of.ts";

/** Runs it. */
export async function table({ flags }: CommandRun, context: OperateContext): Promise<number> {
  const access = await context.openFleet();
  const setup = workerSetup(
    await context.configuration(),
    access,
    context.host.options?.kinesis !== undefined,
  );
  const arn = access.streams.find(({ streamArn }) => streamArn !== undefined)?.streamArn;
  const accountId = flags.of(ACCOUNT) ?? (arn === undefined ? undefined : parseStreamArn(arn).accountId);
  context.terminal.printLines(printedTable(setup, flags.of(PRINT) ?? "terraform", accountId).split("\n"));
  return 0;
}
