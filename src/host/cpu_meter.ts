/**
 * Measures the processor of the container or host that this program runs on. It uses the agent of an ECS
 * task, else the container's control group, else `/proc/stat`. Linux only.
 *
 * If such a file may not be read there is no source, and no prompt either: measuring is no reason for one.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { CpuSource } from "../cpu_source.ts";
import type { System } from "../system.ts";
import {
  cgroupV1Limit,
  cgroupV1UsedMs,
  cgroupV2Limit,
  cgroupV2UsedMs,
  type CpuReading,
  cpusIn,
  ecsLimit,
  ecsPercent,
  ecsReading,
  hostReading,
  percentUsed,
} from "./cpu_readings.ts";

/** What measuring needs. */
export interface CpuSourceOptions {
  readonly system: Pick<System, "clock" | "fetch">;
  /** Looks up environment variables. */
  readonly env: (name: string) => string | undefined;
  /**
   * The folder that is used as `/`.
   *
   * @default {"/"}
   */
  readonly root?: string;
  /**
   * As `process.platform` has it.
   *
   * @default this one
   */
  readonly platform?: string;
}

/**
 * A source for this program's surroundings, chosen at the first call. If nothing can be measured, it never
 * has a figure.
 */
export function cpuSource(options: CpuSourceOptions): CpuSource {
  let source: Promise<CpuSource> | undefined;
  return async (signal) => await (await (source ??= findSource(options)))(signal);
}

async function findSource(options: CpuSourceOptions): Promise<CpuSource> {
  const { system, env, root = "/", platform = process.platform } = options;
  if (platform !== "linux") return () => Promise.resolve(undefined);
  const agent = env("ECS_CONTAINER_METADATA_URI_V4") || env("ECS_CONTAINER_METADATA_URI");
  if (agent) return ecsSource(agent, system);
  const group = join(root, "sys/fs/cgroup");
  for (const files of [v2Files, v1Files]) {
    const read = files(group);
    if (isReadable(read)) return groupSource(read, system);
  }
  const readHost = () => hostReading(readText(join(root, "proc/stat")));
  return isReadable(readHost) ? hostSource(readHost) : () => Promise.resolve(undefined);
}

/** What a control group reports. */
interface GroupReading {
  readonly usedMs: number;
  /** How many processors it may use. */
  readonly cpus: number;
}

/** The root of a host's own groups has no cpu.max. If there is one, this is a container. */
function v2Files(folder: string): () => GroupReading {
  return () => {
    const max = readText(join(folder, "cpu.max"));
    const used = readText(join(folder, "cpu.stat"));
    const cpus = cgroupV2Limit(max) ?? cpusIn(readText(join(folder, "cpuset.cpus.effective")));
    return { usedMs: cgroupV2UsedMs(used), cpus };
  };
}

function v1Files(folder: string): () => GroupReading {
  return () => {
    const used = readText(join(folder, "cpu/cpuacct.usage"));
    const quota = readText(join(folder, "cpu/cpu.cfs_quota_us"));
    const period = readText(join(folder, "cpu/cpu.cfs_period_us"));
    const cpus = cgroupV1Limit(quota, period) ??
      cpusIn(readText(join(folder, "cpuset/cpuset.effective_cpus")));
    return { usedMs: cgroupV1UsedMs(used), cpus };
  };
}

/** The limit is read each time too: a pod may be given more processors while it runs. */
function groupSource(read: () => GroupReading, { clock }: Pick<System, "clock">): CpuSource {
  let before: { readonly usedMs: number; readonly atMs: number } | undefined;
  return () => {
    const { usedMs, cpus } = read();
    const now = { usedMs, atMs: clock.monotonicMs() };
    const last = before;
    before = now;
    return Promise.resolve(
      last && percentUsed(
        { used: last.usedMs, available: 0 },
        { used: usedMs, available: (now.atMs - last.atMs) * cpus },
      ),
    );
  };
}

function hostSource(read: () => CpuReading): CpuSource {
  let before: CpuReading | undefined;
  return () => {
    const now = read();
    const last = before;
    before = now;
    return Promise.resolve(last && percentUsed(last, now));
  };
}

/** The agent compares with its own reading. What the task may use does not change while it runs. */
function ecsSource(agent: string, { fetch }: Pick<System, "fetch">): CpuSource {
  let limit: number | undefined;
  return async (signal) => {
    const ask = async (path: string): Promise<unknown> => {
      const response = await fetch(`${agent}${path}`, { signal });
      if (response.ok) return await response.json();
      await response.body?.cancel();
      throw new Error(`Cannot read the metadata of the ECS task: ${path || "/"} answered ${response.status}`);
    };
    const reading = ecsReading(await ask("/stats"));
    limit ??= ecsLimit(await ask(""), await ask("/task"), reading.onlineCpus);
    return ecsPercent(reading, limit);
  };
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false; // not there, not for us, or not as we know it: the next source may do
  }
}

/** At once: these files are the kernel's memory. A read in another thread would outlive a stopped worker. */
function readText(path: string): string {
  if ("Deno" in globalThis && Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    throw new Error(`Cannot read ${path}: not allowed to`);
  }
  return readFileSync(path, "utf8");
}
