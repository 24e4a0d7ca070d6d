/**
 * The dead letters of a file of JSON lines, as a source of a redrive.
 *
 * @module
 */

import { linesOf, refuseUnfit, takeLines } from "../../host/line_file.ts";
import type { LetterSource, SourceLetter } from "../redrive/redrive.ts";

/**
 * The letters of a file. A dry run reads it in place. Else it is taken away from the workers that append to
 * it, and what is not removed is put back in the end.
 *
 * @throws {Error} when there is no such file, or another redrive works on it.
 */
export async function fileLetters(path: string, isDryRun: boolean): Promise<LetterSource> {
  if (isDryRun) await refuseUnfit(path);
  const taken = isDryRun ? undefined : await takeLines(path);
  return {
    name: path,
    async *letters(): AsyncGenerator<SourceLetter, void, void> {
      for await (const line of taken?.lines() ?? linesOf(path)) {
        yield { place: `line ${line.number}`, text: line.text, remove: async () => await taken?.done(line) };
      }
    },
    close: async () => await taken?.close(),
  };
}
