/**
 * Reads the body of a request, up to a limit.
 *
 * @module
 */

/** @returns the text; undefined when there is more than `most` bytes, of which the rest is not read. */
export async function readWithin({ body }: Pick<Request, "body">, most: number): Promise<string | undefined> {
  if (body === null) return "";
  const decoder = new TextDecoder();
  let text = "", bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) return undefined; // leaving the loop cancels the body
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
