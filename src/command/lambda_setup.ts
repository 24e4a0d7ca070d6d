/**
 * What processes the records of a run that hosts a Lambda function: a handler in this process, or programs
 * that talk to a runtime API on loopback.
 *
 * @module
 */

import { sayWhileWaiting } from "../async/still_waiting.ts";
import { unlessAborted } from "../async/waiting.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { WorkerEventListener } from "../events.ts";
import { childStarter } from "../host/child_starter.ts";
import { setMissingVariables } from "../host/environment_variables.ts";
import { findFile, folderOf, workingFolder } from "../host/files.ts";
import { loadModule } from "../host/modules.ts";
import { checkedProgram } from "../host/programs.ts";
import { serve } from "../host/serve.ts";
import { unguessableId } from "../host/unguessable_id.ts";
import type { LambdaFunctionOptions } from "../lambda/function_options.ts";
import { handlerName, handlerOf } from "../lambda/handler_name.ts";
import { fromLambdaBootstrap } from "../lambda/lambda_bootstrap.ts";
import { fromLambdaHandler } from "../lambda/lambda_handler.ts";
import { isWritten } from "../observe/line_writer.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { Configuration } from "../properties/property_options.ts";
import { childOutput } from "./child_output.ts";
import type { ProgramContext } from "./program_context.ts";

type Given = Pick<Configuration, "options" | "settings">;

/** What a hosted function says of the worker's options. */
export interface LambdaProcessing extends Pick<WorkerOptions, "errors" | "batch"> {
  readonly processor: RecordProcessorFactory;
}

/**
 * Loads a handler into this process.
 *
 * @throws when there is no such module, or no such export of it.
 */
export async function lambdaModule(
  lambdaHandler: string,
  given: Given,
  onEvent: WorkerEventListener,
  { command: { file }, system: { clock }, log, failure }: ProgramContext,
): Promise<LambdaProcessing> {
  const { files, exportName } = handlerName(lambdaHandler);
  const folders = [...(file === undefined ? [] : [folderOf(file)]), workingFolder()];
  const path = await theFile(lambdaHandler, files, folders);
  const lambda = functionOptions(given, onEvent);
  // Handlers read them when they are loaded.
  setMissingVariables({
    _HANDLER: lambdaHandler,
    AWS_LAMBDA_FUNCTION_NAME: `${lambda.functionName}`,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${lambda.memorySize ?? 128}`,
    ...(lambda.region === undefined ? {} : { AWS_REGION: lambda.region }),
  });
  const module = await sayWhileWaiting(
    `module "${path}" to load`,
    { clock, say: (text) => log({ level: "warning", text }) },
    () => unlessAborted(loadModule(path, folders), failure.signal),
  );
  const processor = fromLambdaHandler(handlerOf(module, exportName, path), lambda);
  return { processor, ...rulesOf(given) };
}

/**
 * Prepares a bootstrap, which is started for each shard.
 *
 * @throws when there is no such program.
 */
export async function lambdaProgram(
  lambdaBootstrap: string,
  given: Given,
  onEvent: WorkerEventListener,
  context: ProgramContext,
): Promise<LambdaProcessing> {
  const { command: { file }, host: { env }, log, leastLevel, notices } = context;
  const folder = file === undefined ? undefined : folderOf(file);
  notices.push(...await checkedProgram(lambdaBootstrap, folder));
  const starter = childStarter({ warn: (text) => log({ level: "warning", text }) });
  const direct = noProxy(env("NO_PROXY") ?? env("no_proxy"));
  const processor = fromLambdaBootstrap(lambdaBootstrap, {
    ...functionOptions(
      given,
      isWritten("info", leastLevel()) ? onEvent : shown(onEvent, childOutput(context)),
    ),
    spawn: (program, args, environment) => starter.spawn(program, args, { ...environment, ...direct }),
    serve: (handler) => serve(handler, { port: 0, setting: "lambdaBootstrap" }),
    requestId: unguessableId,
    handler: given.settings.lambdaHandler,
    taskRoot: folder ?? workingFolder(),
  });
  return { processor, ...rulesOf(given) };
}

/** What programs print is shown as it is, where the log is too quiet to show it. */
function shown(onEvent: WorkerEventListener, print: (text: string) => void): WorkerEventListener {
  return (event) => {
    onEvent(event);
    if (event.type === "notice" && event.level === "info") print(`${event.text}\n`);
  };
}

/** Some clients, such as curl, send requests to loopback through a proxy too. */
function noProxy(others: string | undefined): Readonly<Record<string, string>> {
  const value = [...(others === undefined || others === "" ? [] : [others]), "127.0.0.1"].join(",");
  return { NO_PROXY: value, no_proxy: value };
}

/** The one file that is there, in the first folder that has any. */
async function theFile(
  lambdaHandler: string,
  files: readonly string[],
  folders: readonly string[],
): Promise<string> {
  for (const folder of folders) {
    const found: string[] = [];
    for (const file of files) {
      const path = await findFile(file, [folder]);
      if (path !== undefined) found.push(path);
    }
    const [path, ...others] = found;
    if (path === undefined) continue;
    if (others.length === 0) return path;
    throw new Error(
      `Cannot start: lambdaHandler = ${lambdaHandler} may be ${
        found.join(" or ")
      }: write the file's name, such as ` +
        `./${files[0]}#handler`,
    );
  }
  throw new Error(
    `Cannot start: there is no file for lambdaHandler = ${lambdaHandler}: looked for ${files.join(", ")} in ${
      [...new Set(folders)].join(" and ")
    }`,
  );
}

function functionOptions(
  { options: { applicationName, region }, settings }: Given,
  onEvent: WorkerEventListener,
): LambdaFunctionOptions {
  const { lambdaTimeoutSeconds, lambdaMemorySize, lambdaFunctionName, lambdaFunctionArn, lambdaDeaggregate } =
    settings;
  return {
    timeoutMs: lambdaTimeoutSeconds === undefined ? undefined : lambdaTimeoutSeconds * 1000,
    memorySize: lambdaMemorySize,
    functionName: lambdaFunctionName ?? applicationName,
    functionArn: lambdaFunctionArn,
    deaggregate: lambdaDeaggregate,
    region,
    onEvent,
  };
}

/** What Lambda does if a template says nothing: it tries again until records expire, 100 records a call. */
function rulesOf(
  { options: { errors, onProcessError, batch } }: Given,
): Pick<WorkerOptions, "errors" | "batch"> {
  return {
    ...(errors === undefined && onProcessError === undefined ? { errors: {} } : {}),
    ...(batch?.size === undefined ? { batch: { ...batch, size: 100 } } : {}),
  };
}
