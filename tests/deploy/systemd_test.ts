/** `deploy/kclite.service`: what it starts, how it stops, and what systemd says to it where systemd is. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { helpText } from "../../src/host/arguments.ts";
import { configurationOf } from "../../src/properties/property_options.ts";
import { canRun, runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";
import { GRACE_MS, leastStopSeconds, leaveMs, read, variable, VARIABLES } from "./facts.ts";

const TEXT = await read("deploy/kclite.service");
/** The last value of each key; section and key are one name. */
const UNIT = new Map<string, string>();
let section = "";
for (const line of TEXT.split("\n").filter((line) => !/^(#|$)/.test(line))) {
  const [, header, key, value] = /^\[(\w+)\]$|^(\w+)=(.*)$/.exec(line) ?? [];
  if (header !== undefined) section = header;
  else if (key === undefined || value === undefined) throw new SyntaxError(`expected KEY=VALUE: got ${line}`);
  else UNIT.set(`${section}.${key}`, value);
}
const of = (name: string): string => UNIT.get(name) ?? "";

Deno.test("deploy/kclite.service gives a worker the time that it takes to stop, and signals it alone", async () => {
  assertEquals([of("Service.KillMode"), of("Service.KillSignal")], ["mixed", "SIGTERM"]);
  const environment = of("Service.Environment").split(" ").map((pair) => pair.split("=") as [string, string]);
  const grace = new Map(environment).get(variable("shutdownGraceMillis"));
  assertEquals(grace, `${GRACE_MS}`);
  assertEquals(environment.filter(([name]) => name.startsWith("KCLITE_") && !VARIABLES.has(name)), []);
  assert(Number(of("Service.TimeoutStopSec")) >= await leastStopSeconds(GRACE_MS));
});

Deno.test("deploy/kclite.service knows the exit codes of the command line and of bin/kclite", async () => {
  const codes = /(\d+) for a wrong command line; (\d+), (\d+) or (\d+) after\s+SIGTERM, SIGINT or SIGHUP/
    .exec(helpText([]));
  const [, misuse, ...signals] = codes ?? [];
  assertEquals(of("Service.SuccessExitStatus"), signals.join(" "));
  const missing = /^exit (\d+)$/m.exec(await read("bin/kclite"))?.[1];
  assertEquals(of("Service.RestartPreventExitStatus"), `${misuse} ${missing}`);
  assertEquals([of("Service.Restart"), of("Unit.StartLimitIntervalSec")], ["on-failure", "0"]);
});

Deno.test("deploy/kclite.service starts bin/kclite as a user of its own, which may compile at run time", () => {
  assertMatch(of("Service.ExecStart"), /^\/opt\/kclite\/bin\/kclite \/etc\/kclite\/app\.properties$/);
  assertEquals(of("Service.DynamicUser"), "yes");
  assertMatch(
    of("Service.Environment"),
    new RegExp(`DENO_DIR=/var/cache/${of("Service.CacheDirectory")}\\b`),
  );
  for (const key of ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "LockPersonality"]) {
    assertEquals([key, of(`Service.${key}`)], [key, "yes"]);
  }
  assertEquals(UNIT.has("Service.MemoryDenyWriteExecute"), false);
  assertEquals(UNIT.has("Service.ProcSubset"), false, "the balancing by CPU reads /proc");
});

Deno.test({
  name: "deploy/kclite.service is one that systemd accepts without a word",
  ignore: !await canRun("systemd-analyze"),
  async fn() {
    const launcher = new URL("../../bin/kclite", import.meta.url).pathname;
    const verify = async (text: string) =>
      await withFolder(
        { "kclite.service": text.replace("/opt/kclite/bin/kclite", launcher) },
        async (folder) => {
          const { code, stderr } = await runCommand("systemd-analyze", [
            "verify",
            "--man=no",
            `${folder}/kclite.service`,
          ]);
          return [code, stderr.split("\n").filter((line) => line.includes("kclite.service:")).length];
        },
      );
    assertEquals(await verify(TEXT), [0, 0]);
    const [, complaints = 0] = await verify(TEXT.replace("KillMode=mixed", "KillMode=mxied"));
    assert(complaints > 0, "a wrong value is seen");
  },
});

Deno.test("docs/deploy.md adds up the times of a stop as the code has them", async () => {
  const text = (await read("docs/deploy.md")).replace(/\s+/g, " ");
  const sum = await leastStopSeconds(GRACE_MS);
  assertMatch(text, new RegExp(`\\| \\*\\*sum\\*\\* \\| \\*\\*${sum} s\\*\\* \\|`));
  assertMatch(text, new RegExp(`\\| \`shutdownGraceMillis\`: ${GRACE_MS / 1000} s \\|`));
  assertMatch(text, new RegExp(`\\| ${await leaveMs() / 1000} s, usually`));
  const entries = ["applicationName", "streamName", "executableName"].map((key) => ({
    key,
    value: "app",
    where: "",
  }));
  const { options: { shutdownGraceMs = 0 } } = configurationOf([entries]);
  assertMatch(text, new RegExp(`the default of \`shutdownGraceMillis\` is ${shutdownGraceMs / 1000} s`));
});
