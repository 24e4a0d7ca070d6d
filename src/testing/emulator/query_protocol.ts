// Pure.
/**
 * The query protocol of AWS, which CloudWatch's older clients speak: a form in, XML out.
 *
 * Source: Smithy, "AWS query protocol".
 *
 * @module
 */

import { ApiError } from "./api_error.ts";

/** The members of a form, lists as lists: `MetricData.member.1.Value=5` is `{MetricData: [{Value: "5"}]}`. */
export function formMembers(form: string): Readonly<Record<string, unknown>> {
  const root = new Map<string, Branch>();
  for (const [name, value] of new URLSearchParams(form)) {
    const path = name.split(".");
    if (path.length > MAX_DEPTH) throw new ApiError("MalformedQueryString", `${name} has too many parts`);
    let branches = root, branch: Branch | undefined;
    for (const part of path) {
      branch = branches.get(part);
      if (branch === undefined) branches.set(part, branch = { text: undefined, parts: new Map() });
      branches = branch.parts;
    }
    if (branch !== undefined) branch.text = value;
  }
  return Object.fromEntries([...root].map(([name, branch]) => [name, valueOf(branch)]));
}

/** No member of what is answered lies deeper: a list in a structure in a list. */
const MAX_DEPTH = 16;

interface Branch {
  text: string | undefined;
  readonly parts: Map<string, Branch>;
}

function valueOf({ text, parts }: Branch): unknown {
  if (parts.size === 0) return text === "" ? undefined : text;
  const members = parts.get("member");
  if (members !== undefined && parts.size === 1) {
    return [...members.parts].toSorted(([a], [b]) => Number(a) - Number(b)).map(([, branch]) =>
      valueOf(branch)
    );
  }
  return Object.fromEntries([...parts].map(([name, branch]) => [name, valueOf(branch)]));
}

/** What an operation that answers nothing answers. */
export function emptyXml(operation: string, namespace: string, requestId: string): string {
  return `<${operation}Response xmlns="${namespace}"><ResponseMetadata><RequestId>${requestId}</RequestId>` +
    `</ResponseMetadata></${operation}Response>`;
}

/** A refusal. */
export function errorXml(error: ApiError, namespace: string, requestId: string): string {
  const type = error.status < 500 ? "Sender" : "Receiver";
  return `<ErrorResponse xmlns="${namespace}"><Error><Type>${type}</Type><Code>${
    escaped(queryCode(error.code))
  }</Code>` +
    `<Message>${escaped(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`;
}

/**
 * A code as the query protocol has it, which older clients know: without `Exception`, and not always the same
 * word.
 */
export function queryCode(code: string): string {
  if (code === "MissingRequiredParameterException") return "MissingParameter";
  return code.replace(/Exception$/, "");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
