/**
 * All commands of an operator, in the order in which they are shown.
 *
 * @module
 */

import type { CommandSpec } from "./command_spec.ts";
import { CLONE } from "./clone_spec.ts";
import { DESCRIBE } from "./describe_spec.ts";
import { DOCTOR } from "./doctor_spec.ts";
import { DRAIN } from "./drain_spec.ts";
import { EXPLAIN } from "./explain_spec.ts";
import { HANDOFF } from "./handoff_spec.ts";
import { LAG } from "./lag_spec.ts";
import { PLAN } from "./plan_spec.ts";
import { PUT } from "./put_spec.ts";
import { RESET } from "./reset_spec.ts";
import { SQL_SCHEMA } from "./sql_schema_spec.ts";
import { TABLE } from "./table_spec.ts";
import { TAIL } from "./tail_spec.ts";

/** The table. */
export const COMMANDS: readonly CommandSpec[] = [
  DESCRIBE,
  LAG,
  EXPLAIN,
  PLAN,
  DOCTOR,
  TAIL,
  PUT,
  TABLE,
  SQL_SCHEMA,
  RESET,
  CLONE,
  HANDOFF,
  DRAIN,
];
