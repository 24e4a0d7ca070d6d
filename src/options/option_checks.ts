// Pure.
/**
 * Checks of single options. Each throws a TypeError when the value is of the wrong kind and a RangeError when
 * it is out of range. What may be secret is never repeated.
 *
 * @module
 */

import { checkedEndpoint } from "../aws/endpoint.ts";
import { checkKeys } from "../aws/key_check.ts";
import { nearestName, refuseUnknownNames } from "../nearest_name.ts";

/** Begins each message. */
const ACTION = "Cannot start worker";

/** Throws when `value`, of the option of that name, is not as it must be. */
export type Check = (name: string, value: unknown) => void;

/** Between what a number must be. */
export interface Limits {
  readonly min: number;
  /** @default no limit */
  readonly max?: number;
  readonly isInteger?: boolean;
  /** Whether `Infinity` stands for "no limit". A time must end. */
  readonly mayBeInfinite?: boolean;
}

/** A text that is not empty. */
export const text: Check = (name, value) => void required(name, value);

/** @throws {TypeError} unless it is a text that is not empty. */
export function required(name: string, value: unknown): string {
  if (typeof value === "string" && value.trim() !== "") return value;
  throw wrong(name, "a text that is not empty", shown(value));
}

/** `true` or `false`, and nothing that merely counts as such: `"false"` counts as true. */
export const yesOrNo: Check = (name, value) => {
  if (typeof value !== "boolean") throw wrong(name, "true or false", shown(value));
};

/** A function. */
export function functionThat(does: string): Check {
  return (name, value) => {
    if (typeof value !== "function") throw wrong(name, `a function that ${does}`, kindOf(value));
  };
}

/** `false` for none, or a function. */
export function falseOrFunctionThat(does: string): Check {
  return (name, value) => {
    if (value === false || typeof value === "function") return;
    throw wrong(name, `false or a function that ${does}`, kindOf(value));
  };
}

/** A number within limits. */
export function number(limits: Limits): Check {
  const { min, max = Infinity, isInteger = false, mayBeInfinite = false } = limits;
  const range = max === Infinity ? `>= ${min}` : `${min} to ${max}`;
  return (name, value) => {
    if (typeof value !== "number" || Number.isNaN(value)) throw wrong(name, "a number", shown(value));
    const mustEnd = value === Infinity && !mayBeInfinite;
    const isWhole = Number.isInteger(value) || value === Infinity;
    if (value >= min && value <= max && !mustEnd && (!isInteger || isWhole)) return;
    const kind = isInteger ? "an integer " : mustEnd ? "a finite number " : "";
    throw new RangeError(`${ACTION}: ${name} must be ${kind}${range}: got ${value}`);
  };
}

/** One of some words. */
export function oneOf(...allowed: readonly string[]): Check {
  return (name, value) => {
    if (typeof value === "string" && allowed.includes(value)) return;
    throw wrong(name, `one of ${allowed.map((word) => `"${word}"`).join(", ")}`, shown(value));
  };
}

/** Where reading starts. */
export const position: Check = (name, value) => {
  const isDate = value instanceof Date && !Number.isNaN(value.getTime());
  if (isDate || value === "TRIM_HORIZON" || value === "LATEST") return;
  throw wrong(name, '"TRIM_HORIZON", "LATEST" or a valid Date', shown(value));
};

/** A base URL. */
export const endpoint: Check = (name, value) => void checkedEndpoint(required(name, value));

/** Name of a registered consumer. Source: Kinesis API reference, RegisterStreamConsumer. */
export const consumerName: Check = (name, value) => {
  if (/^[\w.-]{1,128}$/.test(required(name, value))) return;
  throw wrong(name, "1 to 128 letters, digits, _, . and -", shown(value));
};

/**
 * Keys, or a function that gives them. AWS's own objects have more fields than are needed: only a misspelt
 * name is refused.
 */
export const credentials: Check = (name, value) => {
  if (typeof value === "function") return;
  if (!isObject(value)) throw wrong(name, "keys or a function that gives them", kindOf(value));
  const known = Object.keys(CREDENTIALS_FIELDS);
  const misspelt = Object.keys(value).filter((key) => {
    const meant = nearestName(key, known);
    return meant !== undefined && value[meant] === undefined;
  });
  refuseUnknownNames(misspelt, known, { action: ACTION, prefix: `${name}.` });
  for (const [key, check] of Object.entries(CREDENTIALS_FIELDS)) check(`${name}.${key}`, value[key]);
  const { accessKeyId, secretAccessKey, sessionToken } = value;
  checkKeys({ accessKeyId, secretAccessKey, sessionToken }, `the option ${name}`);
};

/** A part of credentials that must be there. */
const key: Check = (name, value) => {
  if (typeof value === "string" && value !== "") return;
  throw wrong(name, "a text that is not empty", value === "" ? "an empty one" : kindOf(value));
};

const CREDENTIALS_FIELDS: Readonly<Record<string, Check>> = {
  accessKeyId: key,
  secretAccessKey: key,
  sessionToken: (name, value) => {
    if (value !== undefined && typeof value !== "string") throw wrong(name, "a text", kindOf(value));
  },
  expiresEpochMs: (name, value) => {
    if (value !== undefined && typeof value !== "number") throw wrong(name, "a number", kindOf(value));
  },
  expiration: (name, value) => {
    if (value === undefined || (value instanceof Date && !Number.isNaN(value.getTime()))) return;
    throw wrong(name, "a valid Date", kindOf(value));
  },
};

/** Tags of a table. Source: DynamoDB API reference, Tag. */
export const tags: Check = (name, value) => {
  if (!isObject(value)) throw wrong(name, "an object of texts by name", shown(value));
  const entries = Object.entries(value);
  if (entries.length > 50) throw wrong(name, "at most 50 tags", `${entries.length}`);
  for (const [tag, text] of entries) {
    if (tag === "" || tag.length > 128 || /^aws:/i.test(tag)) {
      throw wrong(name, 'names of 1 to 128 characters that do not begin with "aws:"', shown(tag));
    }
    if (typeof text !== "string" || text.length > 256) {
      throw wrong(`${name}[${shown(tag)}]`, "a text of at most 256 characters", shown(text));
    }
  }
};

/** How a new table is paid for. */
export const billingMode: Check = (name, value) => {
  if (value === "PAY_PER_REQUEST") return;
  if (!isObject(value)) {
    throw wrong(name, '"PAY_PER_REQUEST" or { readCapacity, writeCapacity }', shown(value));
  }
  checkFields(`${name}.`, value, { readCapacity: capacity, writeCapacity: capacity });
  for (const key of ["readCapacity", "writeCapacity"]) capacity(`${name}.${key}`, value[key]);
};

const capacity = number({ min: 1, isInteger: true });

/** An object that has these functions, and as many more as it likes. */
export function objectWith(...functions: readonly string[]): Check {
  return (name, value) => {
    if (!isObject(value)) throw wrong(name, "an object", shown(value));
    for (const key of functions) {
      if (typeof value[key] !== "function") throw wrong(`${name}.${key}`, "a function", kindOf(value[key]));
    }
  };
}

/** What a worker takes from its surroundings. */
export const system: Check = (name, value) => {
  objectWith("random", "fetch")(name, value);
  if (isObject(value)) objectWith("epochMs", "monotonicMs", "sleep")(`${name}.clock`, value.clock);
};

/**
 * Checks each field that is present; an undefined field counts as absent.
 *
 * @param prefix Put before each name in messages, e.g. `billingMode.`
 * @throws {TypeError} also for a name that has no check, with the nearest that has one.
 */
export function checkFields(
  prefix: string,
  object: Readonly<Record<string, unknown>>,
  checks: Readonly<Record<string, Check>>,
): void {
  refuseUnknownNames(Object.keys(object), Object.keys(checks), { action: ACTION, prefix });
  for (const [key, check] of Object.entries(checks)) {
    const value = object[key];
    if (value !== undefined) check(`${prefix}${key}`, value);
  }
}

/** Whether it is an object, and no list. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** For people: texts in quotes. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" || typeof value === "function" ? kindOf(value) : String(value);
}

/** For people: the kind of value, without its contents. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return `${value}`;
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date && Number.isNaN(value.getTime())) return "an invalid Date";
  const kind = typeof value;
  if (kind === "string") return "a text";
  return kind === "object" ? "an object" : `a ${kind}`;
}

function wrong(name: string, wanted: string, found: string): TypeError {
  return new TypeError(`${ACTION}: expected ${name} to be ${wanted}: got ${found}`);
}
