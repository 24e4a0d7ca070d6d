// Pure.
/**
 * Says of an answer to a call whether it is the one that AWS gives, or says clearly that the call is not simulated.
 *
 * @module
 */

/** A call of the list. Texts in braces stand for what an earlier call answered: `{stream.StreamARN}`. */
export interface ListedCall {
  /** `kinesis-http1`: the same client without HTTP/2, where there is one. */
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
  /** Under which name later calls find the answer. */
  readonly as?: string;
  /** Members that the answer must have; or the code of the refusal, and members of it. */
  readonly expected: Readonly<Record<string, unknown>> | Refusal;
  /** Only this client makes it. */
  readonly only?: string;
}

/** A refusal as AWS gives it. */
export class Refusal {
  readonly code: string;
  readonly members: Readonly<Record<string, unknown>>;

  /** @param code Without `Exception`, which some clients leave out. */
  constructor(code: string, members: Readonly<Record<string, unknown>> = {}) {
    this.code = code;
    this.members = members;
  }
}

/** What a client made of an answer. */
export type ClientAnswer =
  | { readonly output: Readonly<Record<string, unknown>> }
  | { readonly code: string; readonly message: string; readonly members: Readonly<Record<string, unknown>> };

/** How a call was answered. */
export interface Verdict {
  readonly type: "as AWS" | "not simulated" | "wrong";
  /** What is wrong. */
  readonly why: string;
}

/** Judges one answer. @param isTold Whether the emulator has said, meanwhile, that such a call cannot work, with the remedy. */
export function judge(
  { expected }: Pick<ListedCall, "expected">,
  answer: ClientAnswer,
  isTold: boolean,
): Verdict {
  if (isTold || ("message" in answer && / is not simulated\b/.test(answer.message))) {
    return { type: "not simulated", why: "" };
  }
  const why = difference(expected, answer);
  return why === undefined ? { type: "as AWS", why: "" } : { type: "wrong", why };
}

function difference(expected: ListedCall["expected"], answer: ClientAnswer): string | undefined {
  if (!(expected instanceof Refusal)) {
    if ("output" in answer) return missing(expected, answer.output, "answer");
    return `refused: ${answer.code}: ${answer.message}`;
  }
  if ("output" in answer) return `not refused, expected ${expected.code}`;
  const code = answer.code.replace(/Exception$/, "");
  if (code !== expected.code) {
    return `refused as ${answer.code}, expected ${expected.code}: ${answer.message}`;
  }
  return missing(expected.members, answer.members, "refusal");
}

/** What of `expected` is not there; undefined: all is. Lists must be as long. */
function missing(expected: unknown, actual: unknown, where: string): string | undefined {
  if (expected instanceof RegExp) {
    return expected.test(`${actual}`) ? undefined : `${where} is ${show(actual)}, expected ${expected}`;
  }
  if (typeof expected === "object" && expected !== null && !Array.isArray(expected)) {
    const bytes = Object.getOwnPropertyDescriptor(expected, "$bytes")?.value;
    // A client without a model of the service shows base64 as text.
    if (bytes !== undefined && bytes === actual) return undefined;
    return first(
      Object.entries(expected),
      ([name, value]) => missing(value, memberOf(actual, name), `${where}.${name}`),
    );
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      return `${where} is ${show(actual)}, expected ${expected.length} members`;
    }
    return first([...expected.entries()], ([i, value]) => missing(value, actual[i], `${where}.${i}`));
  }
  return Object.is(expected, actual ?? undefined) || (expected === null && actual == null)
    ? undefined
    : `${where} is ${show(actual)}, expected ${show(expected)}`;
}

function first<T>(all: readonly T[], find: (one: T) => string | undefined): string | undefined {
  for (const one of all) {
    const found = find(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The input of a call with earlier answers in place of the texts in braces. @throws when there is none such. */
export function filledInput(input: unknown, answers: ReadonlyMap<string, unknown>): unknown {
  if (typeof input === "string") {
    const path = /^\{([\w.]+)\}$/.exec(input)?.[1]?.split(".");
    if (path === undefined) return input;
    const [name = "", ...rest] = path;
    const value = rest.reduce<unknown>((holder, part) => memberOf(holder, part), answers.get(name));
    if (value === undefined) throw new Error(`Cannot make a call: ${input} was not answered`);
    return value;
  }
  if (Array.isArray(input)) return input.map((member) => filledInput(member, answers));
  if (typeof input !== "object" || input === null) return input;
  return Object.fromEntries(
    Object.entries(input).map(([name, member]) => [name, filledInput(member, answers)]),
  );
}

function memberOf(holder: unknown, name: string): unknown {
  return typeof holder === "object" && holder !== null
    ? Object.getOwnPropertyDescriptor(holder, name)?.value
    : undefined;
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? "missing").slice(0, 200);
}
