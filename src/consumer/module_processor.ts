/**
 * Makes processors from the module that `executableName` names. Its default export is a class of processors,
 * or a function that makes one for each shard. Processors may have the shape of `RecordProcessor` or that of
 * KCL v1.
 *
 * Whether an export fits shows only when a first processor is made, since methods may be set up by a
 * constructor.
 *
 * @module
 */

import type { RecordProcessor, RecordProcessorFactory } from "./record_processor.ts";
import { adapt, isV1Processor, type V1RecordProcessor } from "./v1_processor.ts";

/** What runs the records. */
export type Executable =
  /** A module that is imported. */
  | { readonly type: "module"; readonly path: string; readonly ignored: readonly string[] }
  /** A program that is started for each shard. */
  | { readonly type: "program" };

/**
 * Decides whether `executableName` names a module or a program, by the ending of its first word. A path with
 * a space is not possible.
 */
export function executableOf(executableName: string): Executable {
  const [path = "", ...ignored] = executableName.split(/ +/).filter((word) => word !== "");
  return /\.(?:ts|js|mjs)$/.test(path) ? { type: "module", path, ignored } : { type: "program" };
}

/** Options of {@linkcode moduleProcessor}. */
export interface ModuleProcessorOptions {
  /** How the module is called in messages. */
  readonly path: string;
  /** Called when the default export makes something that is no processor: no shard can be processed. */
  readonly onMisfit: (error: TypeError) => void;
}

/**
 * Makes the factory from a module's default export.
 *
 * @throws {TypeError} when there is no default export, or it is no function.
 */
export function moduleProcessor(
  exports: Readonly<Record<string, unknown>>,
  { path, onMisfit }: ModuleProcessorOptions,
): RecordProcessorFactory {
  const made = exports["default"];
  const wanted = (what: string, found: string) =>
    new TypeError(
      `Cannot use module ${JSON.stringify(path)}: expected its default export to ${what}: got ${found}`,
    );
  if (typeof made !== "function") {
    throw wanted(
      "be a processor class, or a function (shardId, stream) => processor",
      made === undefined ? `none, but ${listed(exports)}` : shapeOf(made),
    );
  }
  const make = isClass(made)
    ? (...about: Parameters<RecordProcessorFactory>) => Reflect.construct(made, about)
    : (...about: Parameters<RecordProcessorFactory>) => made(...about);
  const factory: RecordProcessorFactory = (...about) => {
    const processor: unknown = make(...about);
    if (fits(processor)) return isV1Processor(processor) ? adapt(processor) : processor;
    const error = wanted(
      "make objects with the methods processRecords and shardEnded (KCL v1: initialize, processRecords and shutdown)",
      shapeOf(processor),
    );
    onMisfit(error);
    throw error;
  };
  return Object.assign(factory, marksOf(made));
}

/** What the export says of its processors. A class may say it as a static field. */
function marksOf(made: object): Pick<RecordProcessorFactory, "stores" | "payloads"> {
  const stores: unknown = Reflect.get(made, "stores"), payloads: unknown = Reflect.get(made, "payloads");
  return {
    ...(stores === "transaction" ? { stores } : {}),
    ...(payloads === "base64" ? { payloads } : {}),
  };
}

// deno-lint-ignore ban-types -- `typeof` says no more than Function
function isClass(made: Function): boolean {
  return /^class\b/.test(Function.prototype.toString.call(made)) ||
    typeof made.prototype?.processRecords === "function";
}

function fits(processor: unknown): processor is RecordProcessor | V1RecordProcessor {
  if (typeof processor !== "object" || processor === null) return false;
  const has = (name: string) => typeof Reflect.get(processor, name) === "function";
  return has("processRecords") && (has("shutdown") ? has("initialize") : has("shardEnded"));
}

function shapeOf(value: unknown): string {
  if (value instanceof Promise) return "a promise: make the processor without await";
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const names = [...Object.keys(value), ...Object.getOwnPropertyNames(Object.getPrototypeOf(value) ?? {})]
    .filter((name) => name !== "constructor" && !(name in Object.prototype));
  return `an object with ${names.join(", ") || "nothing"}`;
}

function listed(exports: Readonly<Record<string, unknown>>): string {
  return Object.keys(exports).join(", ") || "no exports";
}
