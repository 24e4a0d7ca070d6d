/**
 * Bootstraps that a test plays: functions in place of programs, which reach their runtime API without a
 * network.
 *
 * @module
 */

import type { Spawn } from "../../src/child_process.ts";
import type { ServeLoopback } from "../../src/lambda/bootstrap_instance.ts";
import { FakeChild } from "../multilang/fake_child.ts";

/** What a bootstrap can do. */
export interface BootstrapHands {
  readonly child: FakeChild;
  readonly environment: Readonly<Record<string, string>>;
  /** Which start it is, from 0. */
  readonly start: number;
  /** Sends a request to its runtime API. */
  api(path: string, init?: RequestInit): Promise<Response>;
  /** Asks for work. */
  next(): Promise<{ readonly id: string; readonly records: readonly string[] }>;
  /** Answers. */
  respond(id: string, answer?: unknown): Promise<number>;
}

/** Starts fake bootstraps. */
export class FakeBootstraps {
  readonly children: FakeChild[] = [];
  readonly environments: Readonly<Record<string, string>>[] = [];
  /** Servers that were not closed. */
  serving = 0;
  readonly #run: (hands: BootstrapHands) => Promise<void>;
  readonly #handlers = new Map<string, (request: Request) => Promise<Response>>();
  #ports = 0;

  constructor(run: (hands: BootstrapHands) => Promise<void>) {
    this.#run = run;
  }

  readonly serve: ServeLoopback = async (handler) => {
    const host = `127.0.0.1:${++this.#ports}`;
    this.#handlers.set(host, handler);
    this.serving++;
    return {
      url: `http://${host}`,
      close: async () => void (this.#handlers.delete(host) && this.serving--),
    };
  };

  readonly spawn: Spawn = async (_program, _args, environment = {}) => {
    const child = new FakeChild();
    child.endsWithInput = false;
    const start = this.children.push(child) - 1;
    this.environments.push(environment);
    const host = environment["AWS_LAMBDA_RUNTIME_API"] ?? "";
    const api = async (path: string, init?: RequestInit) => {
      const handler = this.#handlers.get(host);
      if (handler === undefined) throw new Error("connection refused");
      return await handler(new Request(`http://${host}/2018-06-01/runtime${path}`, init));
    };
    const hands: BootstrapHands = {
      child,
      environment,
      start,
      api,
      next: async () => {
        const response = await api("/invocation/next");
        if (response.status !== 200) throw new Error(`next: ${response.status}`);
        const { Records } = await response.json();
        const records = Records.map((record: { kinesis: { sequenceNumber: string } }) =>
          record.kinesis.sequenceNumber
        );
        return { id: response.headers.get("lambda-runtime-aws-request-id") ?? "", records };
      },
      respond: async (id, answer = null) => {
        const init = { method: "POST", body: JSON.stringify(answer) };
        return (await api(`/invocation/${id}/response`, init)).status;
      },
    };
    this.#run(hands).then(() => child.exit(0), () => child.exit(1));
    return child;
  };
}
