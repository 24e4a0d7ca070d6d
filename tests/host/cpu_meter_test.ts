/** Control groups and /proc in temporary folders, the ECS agent on loopback. */

import { assertEquals, assertRejects } from "@std/assert";
import { cpuSource } from "../../src/host/cpu_meter.ts";
import { FakeClock } from "../support/fake_clock.ts";

const signal = new AbortController().signal;

/** A machine that consists of some files. */
class Machine implements AsyncDisposable {
  readonly clock: FakeClock = new FakeClock();
  readonly root: string;
  readonly variables: Record<string, string> = {};

  private constructor(root: string) {
    this.root = root;
  }

  static async with(files: Readonly<Record<string, string>>): Promise<Machine> {
    const machine = new Machine(await Deno.makeTempDir());
    for (const [path, text] of Object.entries(files)) await machine.write(path, text);
    return machine;
  }

  async write(path: string, text: string): Promise<void> {
    const file = `${this.root}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }

  source(platform = "linux"): () => Promise<number | undefined> {
    const source = cpuSource({
      system: { clock: this.clock, fetch },
      env: (name) => this.variables[name],
      root: this.root,
      platform,
    });
    return () => source(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}

const V2 = {
  "sys/fs/cgroup/cpu.max": "50000 100000\n",
  "sys/fs/cgroup/cpu.stat": "usage_usec 1000000\nuser_usec 1\n",
  "sys/fs/cgroup/cpuset.cpus.effective": "0-3\n",
};
const V1 = {
  "sys/fs/cgroup/cpu/cpuacct.usage": "1000000000\n",
  "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
  "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
  "sys/fs/cgroup/cpuset/cpuset.effective_cpus": "0-1\n",
};
const HOST = { "proc/stat": "cpu  100 0 100 800 0 0 0 0 0 0\n" };

Deno.test("cpuSource() measures a container of cgroup v2 against its limit, and follows when the limit changes", async () => {
  await using machine = await Machine.with({ ...HOST, ...V1, ...V2 });
  const percent = machine.source();
  assertEquals(await percent(), undefined);
  machine.clock.jump(1000);
  await machine.write("sys/fs/cgroup/cpu.stat", "usage_usec 1100000\n");
  assertEquals(await percent(), 20);
  await machine.write("sys/fs/cgroup/cpu.max", "max 100000\n");
  machine.clock.jump(1000);
  await machine.write("sys/fs/cgroup/cpu.stat", "usage_usec 2100000\n");
  assertEquals(await percent(), 25);
});

Deno.test("cpuSource() measures a container of cgroup v1; without a limit against all its processors", async () => {
  await using machine = await Machine.with({ ...HOST, ...V1 });
  const percent = machine.source();
  assertEquals(await percent(), undefined);
  machine.clock.jump(500);
  await machine.write("sys/fs/cgroup/cpu/cpuacct.usage", "1750000000\n");
  assertEquals(await percent(), 75);
});

Deno.test("cpuSource() measures the host outside of containers, where the root group has no cpu.max", async () => {
  const { "sys/fs/cgroup/cpu.max": _, ...root } = V2;
  await using machine = await Machine.with({ ...HOST, ...root });
  const percent = machine.source();
  assertEquals(await percent(), undefined);
  await machine.write("proc/stat", "cpu  130 0 110 860 0 0 0 0 0 0\n");
  assertEquals(await percent(), 40);
});

Deno.test("cpuSource() has no figure where nothing can tell, and on other systems than Linux", async () => {
  await using machine = await Machine.with({});
  const percent = machine.source();
  assertEquals([await percent(), await percent()], [undefined, undefined]);
  await using linux = await Machine.with(HOST);
  const other = linux.source("darwin");
  await other();
  await linux.write("proc/stat", "cpu  130 0 110 860 0 0 0 0 0 0\n");
  assertEquals(await other(), undefined);
});

Deno.test("cpuSource() rejects when a file that it reads is gone", async () => {
  await using machine = await Machine.with(V2);
  const percent = machine.source();
  await percent();
  await Deno.remove(`${machine.root}/sys/fs/cgroup/cpu.stat`);
  await assertRejects(percent);
});

for (const variable of ["ECS_CONTAINER_METADATA_URI_V4", "ECS_CONTAINER_METADATA_URI"]) {
  Deno.test(`cpuSource() asks the agent of an ECS task that ${variable} names, before any file`, async () => {
    const paths: string[] = [];
    let status = 500;
    const answers: Record<string, unknown> = {
      "/v4/1/stats": {
        cpu_stats: { cpu_usage: { total_usage: 300 }, system_cpu_usage: 3000, online_cpus: 2 },
        precpu_stats: { cpu_usage: { total_usage: 200 }, system_cpu_usage: 2000 },
      },
      "/v4/1": { DockerId: "a", Limits: { CPU: 0 } },
      "/v4/1/task": { Limits: { CPU: 0.5 }, Containers: [{ DockerId: "a", Limits: { CPU: 0 } }] },
    };
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
      const { pathname } = new URL(request.url);
      paths.push(pathname);
      return Response.json(answers[pathname], { status });
    });
    await using machine = await Machine.with({ ...HOST, ...V2 });
    machine.variables[variable] = `http://127.0.0.1:${server.addr.port}/v4/1`;
    const percent = machine.source();
    await assertRejects(percent, Error, "500");
    status = 200;
    // A tenth of two processors, of half a processor.
    assertEquals([await percent(), await percent()], [40, 40]);
    assertEquals(paths.length, 1 + 3 + 1);
  });
}
