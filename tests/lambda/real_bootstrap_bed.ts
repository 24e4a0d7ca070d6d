/**
 * A shard consumer whose processor is a real bootstrap of Lambda: lease and pages are under the test's hand, the
 * program has a runtime API over loopback.
 *
 * @module
 */

import { childStarter } from "../../src/host/child_starter.ts";
import { serve } from "../../src/host/serve.ts";
import { unguessableId } from "../../src/host/unguessable_id.ts";
import { fromLambdaBootstrap, type LambdaBootstrapOptions } from "../../src/lambda/lambda_bootstrap.ts";
import { type ConsumerBed, eventsOf, startConsumer } from "../support/consumer_bed.ts";

/** The root of the repository, with a slash at its end. */
export const ROOT: string = new URL("../../", import.meta.url).pathname;

/** A running consumer with a real program. */
export interface BootstrapBed extends ConsumerBed, Disposable {
  /** What was reported, what the program printed among it. */
  readonly notices: readonly string[];
  /** Where the runtime APIs are. */
  readonly urls: readonly string[];
  /** Waits for the end; the pauses of the consumer pass at once. */
  ended(): Promise<string>;
  /** What the calls failed with. */
  failures(): string[];
}

/** A consumer on a real program; its own time passes when its end is waited for. */
export function startBootstrap(
  command: string,
  handler: string,
  options: Partial<LambdaBootstrapOptions> = {},
): BootstrapBed {
  const starter = childStarter();
  const notices: string[] = [], urls: string[] = [];
  const processor = fromLambdaBootstrap(command, {
    spawn: starter.spawn,
    serve: async (fetch) => {
      const server = await serve(fetch, { port: 0, setting: "lambdaBootstrap" });
      urls.push(server.url);
      return server;
    },
    requestId: unguessableId,
    taskRoot: `${ROOT}examples/lambda_bootstrap_python`,
    handler,
    timeoutMs: 20_000,
    onEvent: (event) => event.type === "notice" && notices.push(event.text),
    ...options,
  });
  const bed = startConsumer(undefined, { processor, onProcessError: "stop" });
  return {
    ...bed,
    notices,
    urls,
    /** Waits for the end; the pauses of the consumer pass at once. */
    async ended(): Promise<string> {
      let end: string | undefined;
      void bed.end.then((text) => end = text);
      for (const startMs = performance.now(); end === undefined;) {
        if (performance.now() - startMs > 30_000) throw new Error(`no end came: ${notices.join("\n")}`);
        await bed.clock.advance(100);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      return end;
    },
    /** What the calls failed with. */
    failures: () =>
      eventsOf(bed.events, "callbackEnded").flatMap(({ callback, error }) =>
        error === undefined ? [] : [`${callback} ${error}`]
      ),
    [Symbol.dispose]: () => starter[Symbol.dispose](),
  };
}
