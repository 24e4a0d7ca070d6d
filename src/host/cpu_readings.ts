// Pure.
/**
 * Reads what Linux and ECS say about processor time: control groups of both versions, `/proc/stat`, and the
 * metadata of an ECS task.
 *
 * A container's percents are of what it may use, which is often less than what the host has.
 *
 * Source: KCL 3.5.1, `Cgroupv2CpuWorkerMetric`, `Cgroupv1CpuWorkerMetric`, `LinuxCpuWorkerMetric`,
 * `EcsCpuWorkerMetric`; Linux, `Documentation/admin-guide/cgroup-v2.rst`, `proc(5)`; Amazon ECS task metadata
 * endpoint version 4.
 *
 * @module
 */

/** Processor time at one moment, in any unit, the same for both. */
export interface CpuReading {
  /** Used up to now. */
  readonly used: number;
  /** Could have been used up to now. */
  readonly available: number;
}

/** The percent used between two readings, 0 to 100; undefined when no time has passed. */
export function percentUsed(before: CpuReading, now: CpuReading): number | undefined {
  const available = now.available - before.available;
  if (!(available > 0)) return undefined;
  return Math.min(100, Math.max(0, 100 * (now.used - before.used) / available));
}

/** Processor time used, in ms, from `cpu.stat` of cgroup v2. */
export function cgroupV2UsedMs(cpuStat: string): number {
  return numberIn(/^usage_usec (\d+)$/m, cpuStat, "cpu.stat") / 1000;
}

/** How many processors the container may use, from `cpu.max`; undefined without a limit. */
export function cgroupV2Limit(cpuMax: string): number | undefined {
  if (/^max\b/.test(cpuMax)) return undefined;
  return numberIn(/^(\d+) \d+\s*$/, cpuMax, "cpu.max") / numberIn(/^\d+ (\d+)\s*$/, cpuMax, "cpu.max");
}

/** Processor time used, in ms, from `cpuacct.usage` of cgroup v1. */
export function cgroupV1UsedMs(cpuacctUsage: string): number {
  return numberIn(/^(\d+)\s*$/, cpuacctUsage, "cpuacct.usage") / 1e6;
}

/**
 * How many processors the container may use, from `cpu.cfs_quota_us` and `cpu.cfs_period_us`; undefined
 * without a limit.
 */
export function cgroupV1Limit(quota: string, period: string): number | undefined {
  const quotaUs = numberIn(/^(-?\d+)\s*$/, quota, "cpu.cfs_quota_us");
  return quotaUs < 0 ? undefined : quotaUs / numberIn(/^(\d+)\s*$/, period, "cpu.cfs_period_us");
}

/** How many processors a list like `0-2,5` names. */
export function cpusIn(cpuset: string): number {
  return cpuset.trim().split(",").reduce((count, range) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
    if (first === undefined) throw unreadable("cpuset", cpuset);
    return count + Number(last) - Number(first) + 1;
  }, 0);
}

/**
 * The host's processor time, from `/proc/stat`: waiting for disks counts as idle, and time taken by other
 * guests does not count.
 */
export function hostReading(procStat: string): CpuReading {
  const [user, nice, system, idle, iowait] = /^cpu +(\d+) (\d+) (\d+) (\d+) (\d+)/.exec(procStat)?.slice(1)
    .map(Number) ?? [];
  if (
    user === undefined || nice === undefined || system === undefined || idle === undefined ||
    iowait === undefined
  ) throw unreadable("/proc/stat", procStat);
  const used = user + nice + system;
  return { used, available: used + idle + iowait };
}

/** What an ECS agent reports of a container (`${URI}/stats`). */
export interface EcsReading {
  /** Processor time of the container, and that of all processors together. */
  readonly reading: CpuReading;
  /** The same a moment before; undefined in a container that has just started. */
  readonly before: CpuReading | undefined;
  readonly onlineCpus: number;
}

/** Reads the statistics of a container. */
export function ecsReading(stats: unknown): EcsReading {
  const at = (name: string): CpuReading | undefined => {
    const used = numberAt(stats, name, "cpu_usage", "total_usage");
    const available = numberAt(stats, name, "system_cpu_usage");
    return used === undefined || available === undefined ? undefined : { used, available };
  };
  const reading = at("cpu_stats"), before = at("precpu_stats");
  const onlineCpus = numberAt(stats, "cpu_stats", "online_cpus") ?? 0;
  if (reading === undefined || !(onlineCpus > 0)) {
    throw unreadable("ECS container statistics", JSON.stringify(stats));
  }
  return { reading, before: before?.available === 0 ? undefined : before, onlineCpus };
}

/**
 * How many processors are a container's part of its task: the task's limit (without one, all processors),
 * divided by the containers' CPU shares.
 *
 * @param container The answer of the metadata endpoint itself.
 * @param task The answer of `${URI}/task`.
 */
export function ecsLimit(container: unknown, task: unknown, onlineCpus: number): number {
  const taskLimit = numberAt(task, "Limits", "CPU") || onlineCpus;
  const id = valueAt(container, "DockerId");
  const containers = valueAt(task, "Containers");
  const all: readonly unknown[] = Array.isArray(containers) && containers.length > 0
    ? containers
    : [container];
  const sharesOf = (one: unknown) => numberAt(one, "Limits", "CPU") || DEFAULT_SHARES;
  const total = all.reduce<number>((sum, one) => sum + sharesOf(one), 0);
  const own = all.find((one) => valueAt(one, "DockerId") === id) ?? container;
  return taskLimit * sharesOf(own) / total;
}

/** The percent of its part that a container used; undefined when there is nothing to compare with. */
export function ecsPercent({ reading, before, onlineCpus }: EcsReading, limit: number): number | undefined {
  if (before === undefined) return undefined;
  const share = limit / onlineCpus;
  return percentUsed(
    { ...before, available: before.available * share },
    { ...reading, available: reading.available * share },
  );
}

/** The CPU shares of a container that names none. Source: Amazon ECS, container definition, `cpu`. */
const DEFAULT_SHARES = 2;

function numberIn(pattern: RegExp, text: string, what: string): number {
  const [, digits] = pattern.exec(text) ?? [];
  if (digits === undefined) throw unreadable(what, text);
  return Number(digits);
}

function valueAt(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, name) => typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined,
    value,
  );
}

function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = valueAt(value, ...path);
  return typeof found === "number" && Number.isFinite(found) ? found : undefined;
}

function unreadable(what: string, found: string): SyntaxError {
  return new SyntaxError(`Cannot read ${what}: got ${JSON.stringify(found.slice(0, 80))}`);
}
