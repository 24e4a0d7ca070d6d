/**
 * Tokens that a platform keeps in files, read anew each time since it replaces them.
 *
 * @module
 */

import { CredentialsError, errorText } from "../../errors.ts";

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
    });
  }
  if (token === "") throw new CredentialsError(`the token file ${path} is empty`);
  if (/[\r\n]/.test(token)) throw new CredentialsError(`the token file ${path} has more than one line`);
  return token;
}
