/**
 * kcl-rs, a port of the KCL to Rust with bindings for Python: PyPI has it, and no other registry. It reads in JSON only. Its
 * processor is one of Python's that does nothing.
 *
 * @module
 */

import { makeVenv } from "../../tests/interop/python_venv.ts";
import type { ProgramPeer } from "./program.ts";

const VERSION = "0.1.4";
/** The least that it takes, in ms. So does Java's. */
const LEAST_REST_MS = 200;
const PROGRAM = new URL("./kcl_rs_worker.py", import.meta.url).pathname;

/** kcl-rs. */
export const kclRs: ProgramPeer = {
  name: `kcl-rs ${VERSION}`,
  async prepare(folder) {
    const venv = await makeVenv([`kcl-rs==${VERSION}`], folder);
    if (typeof venv === "string") return venv;
    return (url, { streamName, isFanOut, isPaced }) => [
      venv.python,
      ...[PROGRAM, url, streamName, isFanOut === true ? "FANOUT" : "POLLING"],
      isPaced === true ? "default" : `${LEAST_REST_MS}`,
    ];
  },
};
