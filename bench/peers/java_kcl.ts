/**
 * Java KCL, as `task interop:java` builds it: one worker, whose options are its defaults but for what makes it start quickly and read
 * without a rest. It polls over HTTP/1.1, as all others do here. Its JVM has its defaults too.
 *
 * @module
 */

import { canRun } from "../../tests/support/command.ts";
import { benchWorker, buildWorker, versions } from "../../tests/interop/java/bed.ts";
import type { ProgramPeer } from "./program.ts";

/** The Java KCL. */
export const javaKcl: ProgramPeer = {
  name: `Java KCL ${versions.kcl}`,
  async prepare() {
    if (!await canRun("java", "-version")) return "there is no java on the PATH";
    if (!await canRun("mvn")) return "there is no mvn on the PATH";
    try {
      await buildWorker(versions.kcl);
    } catch (error) {
      return `Maven cannot build it: ${String(error).split("\n").at(-1)}`;
    }
    return (endpoint, { streamName, wireFormat, isPaced }) => {
      const settings = {
        endpoint,
        stream: streamName,
        application: "bench-java",
        workerId: "bench",
        quick: String(isPaced !== true),
      };
      const { command, args } = benchWorker(settings, { isCbor: wireFormat === "cbor" });
      return [command, ...args];
    };
  },
};
