// Pure.
/**
 * The members of a request, checked as they are asked for. JSON has bytes in base64 and times in seconds;
 * Kinesis's CBOR has bytes as they are and times in milliseconds; a form has text alone.
 *
 * @module
 */

import { decodeBase64 } from "../../aws/payload_slab.ts";
import { ApiError, constraintError } from "./api_error.ts";

/** One map of a request. */
export class Input {
  /** As it came. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly #format: "json" | "cbor" | "query";

  constructor(values: Readonly<Record<string, unknown>>, format: "json" | "cbor" | "query") {
    this.values = values;
    this.#format = format;
  }

  /** Whether the member was given at all. */
  has(name: string): boolean {
    return this.values[name] != null;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    if (value == null) return undefined;
    if (typeof value !== "string") throw mistyped(name, "a string");
    return value;
  }

  requiredText(name: string): string {
    return this.text(name) ?? missing(name);
  }

  /** A whole number within bounds. */
  integer(name: string, min: number, max: number): number | undefined {
    const value = this.values[name];
    if (value == null) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value)) throw mistyped(name, "a whole number");
    if (value < min) {
      throw constraintError(
        value,
        memberName(name),
        `Member must have value greater than or equal to ${min}`,
      );
    }
    if (value > max) {
      throw constraintError(value, memberName(name), `Member must have value less than or equal to ${max}`);
    }
    return value;
  }

  /** Any number. JSON has no NaN: it comes as text, as in Smithy's JSON protocols. */
  number(name: string): number | undefined {
    const value = this.values[name];
    return value == null ? undefined : this.#numberOf(name, value);
  }

  /** A list of numbers; empty when there is none. */
  numbers(name: string): readonly number[] {
    return this.#list(name).map((value) => this.#numberOf(name, value));
  }

  boolean(name: string): boolean | undefined {
    const value = this.values[name];
    if (value == null) return undefined;
    if (typeof value !== "boolean") throw mistyped(name, "a boolean");
    return value;
  }

  /** A time, in ms since 1970. */
  timeMs(name: string): number | undefined {
    const value = this.values[name];
    if (value == null) return undefined;
    if (this.#format === "query" && typeof value === "string") {
      const ms = Date.parse(value);
      if (!Number.isNaN(ms)) return ms;
    }
    if (typeof value !== "number") throw mistyped(name, "a time");
    return this.#format === "cbor" ? value : value * 1000;
  }

  requiredBytes(name: string): Uint8Array {
    const value = this.values[name];
    if (value == null) return missing(name);
    if (value instanceof Uint8Array) return value.slice(); // a view would keep the whole request
    if (typeof value !== "string") throw mistyped(name, "bytes");
    try {
      return decodeBase64([value]).views[0] ?? new Uint8Array();
    } catch {
      throw new ApiError("SerializationException", `${name} is not base64`);
    }
  }

  map(name: string): Input | undefined {
    const value = this.values[name];
    return value == null ? undefined : this.#mapOf(name, value);
  }

  requiredMap(name: string): Input {
    return this.map(name) ?? missing(name);
  }

  /** A list of maps; empty when there is none. */
  maps(name: string): readonly Input[] {
    return this.#list(name).map((value) => this.#mapOf(name, value));
  }

  /** A list of texts; empty when there is none. */
  texts(name: string): readonly string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== "string") throw mistyped(name, "strings");
      return value;
    });
  }

  /** The members of the map, each of them a map. */
  entries(): readonly (readonly [string, Input])[] {
    return Object.entries(this.values).map(([name, value]) => [name, this.#mapOf(name, value)]);
  }

  #numberOf(name: string, value: unknown): number {
    if (typeof value === "number") return value;
    const isNamed = typeof value === "string" && ["NaN", "Infinity", "-Infinity"].includes(value);
    const isText = this.#format === "query" && typeof value === "string" && value.trim() !== "";
    if (isNamed || (isText && !Number.isNaN(Number(value)))) return Number(value);
    throw mistyped(name, "a number");
  }

  #list(name: string): readonly unknown[] {
    const value = this.values[name];
    if (value == null) return [];
    if (!Array.isArray(value)) throw mistyped(name, "a list");
    return value;
  }

  #mapOf(name: string, value: unknown): Input {
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
      throw mistyped(name, "a structure or map");
    }
    return new Input(value as Readonly<Record<string, unknown>>, this.#format);
  }
}

/** `StreamName` is `streamName` in what the services say. */
function memberName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

function missing(name: string): never {
  throw constraintError(undefined, memberName(name), "Member must not be null");
}

function mistyped(name: string, wanted: string): ApiError {
  return new ApiError("SerializationException", `${name} can not be converted to ${wanted}`);
}
