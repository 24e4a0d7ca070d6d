/**
 * What every command of an operator is given: its terminal, its log, and ways to open what it works on.
 *
 * @module
 */

import type { KinesisWrites } from "../../aws/kinesis_writes.ts";
import type { FleetAccess, StreamAccess } from "../../operate/fleet_access.ts";
import type { System } from "../../system.ts";
import type { Terminal } from "../../terminal/terminal.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import type { ProgramContext } from "../program_context.ts";

/** What the parts of one command share. */
export interface OperateContext extends ProgramContext {
  readonly terminal: Terminal;
  readonly system: System;
  /** Aborts when the command is to end: a signal, an error that nobody handled, or nobody who reads. */
  readonly signal: AbortSignal;
  /** Whether results are JSON. */
  readonly isJson: boolean;
  /**
   * The configuration, read once.
   *
   * @throws {PropertiesError} with all that is wrong.
   */
  readonly configuration: () => Promise<ProgramConfiguration>;
  /** @throws {TypeError} when no application is named. */
  readonly openFleet: () => Promise<FleetAccess>;
  /** @throws {TypeError} when no stream is named. */
  readonly openStream: () => Promise<StreamAccess>;
  /** What puts records into the same streams. */
  readonly openWrites: () => Promise<KinesisWrites>;
}
