/**
 * How a worker learns how busy its processor is: a contract. `src/host/cpu_meter.ts` reads it from the
 * container or the host. If nothing can be measured, such as in an edge worker, there is no source.
 *
 * @module
 */

/**
 * Reports how much of the processor time that the container or host may use was used since the last call, in
 * percent, 0 to 100. Undefined: there is no figure, now (at the very first call) or ever. A rejection counts
 * as a failed measurement, and so does a call that takes too long; `signal` aborts then.
 *
 * @experimental
 */
export type CpuSource = (signal: AbortSignal) => Promise<number | undefined>;
