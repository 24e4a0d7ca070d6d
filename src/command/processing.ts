/**
 * What processes the records of a run: a module in this process, or a child process for each shard.
 *
 * @module
 */

import { sayWhileWaiting } from "../async/still_waiting.ts";
import { unlessAborted } from "../async/waiting.ts";
import { executableOf, moduleProcessor } from "../consumer/module_processor.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { isNotPermitted } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import { childStarter } from "../host/child_starter.ts";
import { folderOf, workingFolder } from "../host/files.ts";
import { loadModule } from "../host/modules.ts";
import { checkedProgram } from "../host/programs.ts";
import { multiLangProcessor } from "../multilang/multilang_processor.ts";
import { isWritten } from "../observe/line_writer.ts";
import type { Configuration } from "../properties/property_options.ts";
import { lambdaModule, type LambdaProcessing, lambdaProgram } from "./lambda_setup.ts";
import { childOutput } from "./child_output.ts";
import type { ProgramContext } from "./program_context.ts";

/** The options of a worker that say what processes its records. */
export interface Processing extends Partial<LambdaProcessing> {
  readonly processor: RecordProcessorFactory;
  readonly onProcessError?: "retry";
}

/** Finds what `executableName` names. @throws when there is no such module or program. */
export async function processingOf(
  configuration: Pick<Configuration, "options" | "settings">,
  onEvent: WorkerEventListener,
  context: ProgramContext,
): Promise<Processing> {
  const { executableName = "", lambdaHandler, lambdaBootstrap } = configuration.settings;
  if (lambdaBootstrap !== undefined) {
    return await lambdaProgram(lambdaBootstrap, configuration, onEvent, context);
  }
  if (lambdaHandler !== undefined) return await lambdaModule(lambdaHandler, configuration, onEvent, context);
  const executable = executableOf(executableName);
  return executable.type === "module"
    ? { processor: await loadedModule(executable, context) }
    : await childProcesses(executableName, configuration, onEvent, context);
}

async function loadedModule(
  { path, ignored }: { readonly path: string; readonly ignored: readonly string[] },
  { command: { file }, system: { clock }, log, notices, failure }: ProgramContext,
): Promise<RecordProcessorFactory> {
  if (ignored.length > 0) {
    notices.push({ level: "warning", text: `A module takes no arguments: ignored ${ignored.join(" ")}` });
  }
  // Beside the file first: what the working directory happens to hold under that name must not run in its
  // place.
  const folders = [...(file === undefined ? [] : [folderOf(file)]), workingFolder()];
  const say = (text: string) => log({ level: "warning", text });
  const module = await sayWhileWaiting(
    `module "${path}" to load`,
    { clock, say },
    () => unlessAborted(loadModule(path, folders), failure.signal),
  );
  return moduleProcessor(module, { path, onMisfit: (error) => failure.abort(error) });
}

async function childProcesses(
  executableName: string,
  { options, settings }: Pick<Configuration, "options" | "settings">,
  onEvent: WorkerEventListener,
  context: ProgramContext,
): Promise<Processing> {
  const { command: { file }, host, system: { clock }, log, leastLevel, notices, failure } = context;
  // Before a table is made, or a consumer that costs money.
  notices.push(...await checkedProgram(executableName, file === undefined ? undefined : folderOf(file)));
  const { onProcessError = "retry", errors, concurrency: { perShard = 1 } = {} } = options;
  if (perShard > 1) {
    throw new TypeError(
      `Cannot start: expected parallelizationFactor = 1 for a program, which gets one batch at a time: got ${perShard}: ` +
        "several calls at the same time are for modules",
    );
  }
  if (onProcessError !== "retry") {
    const text =
      `onProcessError = ${onProcessError} is for modules: a program that fails starts again at the last checkpoint`;
    notices.push({ level: "warning", text });
  }
  const { timeoutInSeconds, onChildFailure } = settings;
  const starter = childStarter({ warn: (text) => log({ level: "warning", text }) });
  const processor = multiLangProcessor({
    executableName,
    spawn: starter.spawn,
    clock,
    timeoutMs: timeoutInSeconds === undefined ? undefined : timeoutInSeconds * 1000,
    onEvent,
    // Once is enough: at this level the log repeats it, with the shard.
    writeStderr: isWritten("info", leastLevel()) ? undefined : childOutput(context),
    stopping: host.signal,
    onChildFailure: (error) => {
      // Another child would not be permitted to start either.
      if (onChildFailure === "exit" || isNotPermitted(error)) failure.abort(error);
    },
    onUnstartable: (error) => failure.abort(error),
  });
  // Without a policy programs do in any case what they do in KCL: the batch comes again.
  return errors === undefined ? { processor, onProcessError: "retry" } : { processor };
}
