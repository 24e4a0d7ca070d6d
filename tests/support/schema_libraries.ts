/**
 * Three libraries of the Standard Schema.
 *
 * @module
 */

import { type } from "npm:arktype@2.2.9";
import * as v from "npm:valibot@1.5.0";
import { z } from "npm:zod@4.6.7";

export { type, v, z };
