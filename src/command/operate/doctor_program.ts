/**
 * Runs `kclite doctor`: checks one thing after the other, and shows what mends each failure.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import { type Check, type Checking, failureOf, notTried } from "../../operate/check/check.ts";
import { streamCheck, tableChecks } from "../../operate/check/fleet_checks.ts";
import { permissionChecks } from "../../operate/check/permission_checks.ts";
import { type Permission, policyJson, workerPermissions } from "../../operate/check/permissions.ts";
import type { WorkerSetup } from "../../operate/check/worker_setup.ts";
import type { FleetAccess } from "../../operate/fleet_access.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import { checkLines } from "./check_text.ts";
import type { CommandRun } from "./command_spec.ts";
import { AFTER_SETTINGS, healthPortCheck, notesOf, programCheck, settingsChecks } from "./machine_checks.ts";
import type { OperateContext } from "./operate_context.ts";
import { credentialsChecks, reachChecks } from "./reach_checks.ts";
import { workerSetup } from "./worker_setup_of.ts";

/** What the doctor says. */
interface Diagnosis {
  readonly checks: readonly Check[];
  readonly notes: readonly string[];
  /** Undefined where the settings cannot be read. */
  readonly permissions: readonly Permission[] | undefined;
}

/** Runs it. */
export async function doctor(_run: CommandRun, context: OperateContext): Promise<number> {
  const { terminal, isJson } = context;
  const { checks, notes, permissions } = await diagnosis(context);
  const isOk = checks.every(({ status }) => status !== "failed");
  const policy = permissions === undefined ? undefined : policyJson(permissions);
  if (isJson) {
    const document = { isOk, checks, notes, policy: policy === undefined ? null : JSON.parse(policy) };
    terminal.print(JSON.stringify(document, undefined, 2));
  } else {
    terminal.printLines(checkLines(checks, notes, {
      columns: terminal.columns,
      paint: (tone, text) => terminal.paint(tone, text),
    }));
    if (policy !== undefined) {
      terminal.printLines(["", "The least that a worker must be allowed:", ...policy.split("\n")]);
    }
  }
  return isOk ? 0 : 1;
}

async function diagnosis(context: OperateContext): Promise<Diagnosis> {
  const { checks, configuration, notes } = await settingsChecks(context);
  if (configuration === undefined) {
    const rest = AFTER_SETTINGS.map((name) => notTried(name, "the settings cannot be used"));
    return { checks: [...checks, ...rest], notes, permissions: undefined };
  }
  const { signal, system } = context;
  const checking: Checking = { clock: system.clock, signal };
  const machine = [
    await programCheck(configuration, context, checking),
    await healthPortCheck(configuration, checking),
  ];
  const aws = await awsDiagnosis(configuration, context, checking);
  return {
    checks: [...checks, ...machine, ...aws.checks],
    notes: [...notes, ...aws.notes],
    permissions: aws.permissions,
  };
}

async function awsDiagnosis(
  configuration: ProgramConfiguration,
  context: OperateContext,
  checking: Checking,
): Promise<Diagnosis> {
  const reach = await reachChecks(configuration, context.system, checking);
  const { checks: keys, identity, hasKeys } = await credentialsChecks(configuration, context, checking);
  const silent = new Map(reach.silent);
  for (const [service, has] of hasKeys) if (!has) silent.set(service, "there are no credentials");
  const notes = notesOf(context);
  const opened = await openedFleet(configuration, context);
  if ("failed" in opened) {
    return { checks: [...reach.checks, ...keys, opened.failed], notes, permissions: undefined };
  }
  const { access, setup } = opened;
  const streams = silent.get("kinesis"), tables = silent.get("dynamodb");
  const checks = [...reach.checks, ...keys];
  for (const stream of access.streams) {
    checks.push(
      streams === undefined
        ? await streamCheck(access, stream, checking)
        : notTried(`stream ${stream.streamName}`, streams),
    );
  }
  const table = tables === undefined ? await tableChecks(access, setup, checking) : {
    checks: [notTried(`table ${setup.tableName}`, tables)],
    isTableThere: undefined,
    isIndexThere: false,
  };
  const arn = access.streams.find(({ streamArn }) => streamArn !== undefined)?.streamArn;
  const permissions = workerPermissions(setup, {
    accountId: arn === undefined ? identity?.accountId : parseStreamArn(arn).accountId,
    isTableThere: table.isTableThere === true && table.isIndexThere,
  });
  const allowed = await permissionChecks(access, permissions, {
    isTableThere: table.isTableThere,
    isIndexThere: table.isIndexThere,
    silent,
  }, checking);
  return { checks: [...checks, ...table.checks, ...allowed], notes, permissions };
}

/** Settings that can be read, and yet name no place. */
async function openedFleet(
  configuration: ProgramConfiguration,
  context: OperateContext,
): Promise<{ readonly access: FleetAccess; readonly setup: WorkerSetup } | { readonly failed: Check }> {
  try {
    const access = await context.openFleet();
    const setup = workerSetup(configuration, access, context.host.options?.kinesis !== undefined);
    return { access, setup };
  } catch (error) {
    return { failed: { name: "addresses", status: "failed", ...failureOf(error) } };
  }
}
