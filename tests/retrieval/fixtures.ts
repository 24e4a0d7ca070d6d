import type { Pacing } from "../../src/retrieval/pacing.ts";

/** What `settingsOf()` makes of no options. */
export const PACING: Pacing = {
  idlePacing: "adaptive",
  idleTimeBetweenReadsMs: 1000,
  maxIdleTimeBetweenReadsMs: 4000,
  maxReadsPerSecond: 5,
  maxReadBytesPerSecond: 2_097_152,
};
