/**
 * A shard consumer whose processor is a real child process: lease and pages are under the test's hand, time is real for the child
 * and stands still for the consumer.
 *
 * @module
 */

import { childStarter } from "../../src/host/child_starter.ts";
import { type MultiLangOptions, multiLangProcessor } from "../../src/multilang/multilang_processor.ts";
import { realClock } from "../../src/system.ts";
import { type ConsumerBed, startConsumer } from "../support/consumer_bed.ts";

/** The program in `children/app.ts`, in one of its modes. */
export function appIn(mode: string): string {
  return `${Deno.execPath()} run -A --no-config --no-lock tests/multilang/children/app.ts ${mode}`;
}

/** The same behind a wrapper, which waits for it as `npm start` does. */
export function wrappedAppIn(mode: string): string {
  return `/bin/sh tests/multilang/children/wrap.sh ${appIn(mode)}`;
}

/** A running consumer with a real child. */
export interface RealBed extends ConsumerBed, Disposable {
  /** Everything told by events: level, shard and text. */
  readonly notices: string[];
  readonly failures: string[];
  /** The children's stderr. */
  readonly stderr: () => string;
  /** Waits until something has come true. */
  until(what: string, condition: () => boolean): Promise<void>;
}

/** Starts a consumer on a program. */
export function startReal(executableName: string, changes: Partial<MultiLangOptions> = {}): RealBed {
  const starter = childStarter();
  const notices: string[] = [];
  const failures: string[] = [];
  let stderr = "";
  const processor = multiLangProcessor({
    executableName,
    spawn: starter.spawn,
    clock: realClock,
    exitWaitMs: 5000,
    onEvent: (event) =>
      event.type === "notice" && notices.push(`${event.level} ${event.leaseKey} ${event.text}`),
    writeStderr: (text) => void (stderr += text),
    onChildFailure: (error) => failures.push(error.message),
    ...changes,
  });
  const bed = startConsumer(undefined, { processor });
  const until = async (what: string, condition: () => boolean) => {
    for (const startMs = performance.now(); !condition();) {
      if (performance.now() - startMs > 30_000) {
        throw new Error(`${what} did not come: ${notices.concat(failures).join("\n")}\n${stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return {
    ...bed,
    notices,
    failures,
    stderr: () => stderr,
    until,
    [Symbol.dispose]: () => starter[Symbol.dispose](),
  };
}
