// Pure.
/**
 * Turns the options of an ordinary worker into settings.
 *
 * @module
 */

import { failureSettings } from "./failure_checks.ts";
import type { WorkerOptions } from "./options.ts";
import type { WorkerSettings } from "./setting_groups.ts";
import { settingsWith } from "./settings_with.ts";

/**
 * Fills in and checks.
 *
 * @throws {TypeError} when something required is missing, or an option is of the wrong kind or unknown,
 * {@linkcode RangeError} when a number is out of range.
 */
export function settingsOf(options: WorkerOptions): WorkerSettings {
  return settingsWith(options, failureSettings);
}
