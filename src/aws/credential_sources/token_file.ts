/**
 * Tokens that a platform keeps in files, read again each time since the platform replaces them.
 *
 * @module
 */

import { CredentialsError, errorText, isNotPermitted } from "../../errors.ts";

/**
 * Reads a token, without the white space around it.
 *
 * @throws {CredentialsError} when the file cannot be read, is empty, or has more than one line.
 */
export async function readToken(
  readTextFile: (path: string) => Promise<string>,
  path: string,
): Promise<string> {
  let token: string;
  try {
    token = (await readTextFile(path)).trim();
  } catch (error) {
    throw new CredentialsError(`the token file ${path} cannot be read: ${errorText(error)}`, {
      cause: error,
      reason: isNotPermitted(error) ? "refused" : "notAnswering",
    });
  }
  // The platform may just be writing it.
  if (token === "") throw new CredentialsError(`the token file ${path} is empty`, { reason: "notAnswering" });
  return checkedToken(token, `the token file ${path}`);
}

/**
 * A token that a header may contain.
 *
 * @throws {CredentialsError} that does not repeat it: the runtime's own error would.
 */
export function checkedToken(token: string, source: string): string {
  if (/[\r\n]/.test(token)) {
    throw new CredentialsError(`${source} has more than one line`, { reason: "refused" });
  }
  if (!/^[\x20-\x7e]+$/.test(token)) {
    throw new CredentialsError(`${source} has characters that no token has`, { reason: "refused" });
  }
  return token;
}
