import { assertEquals } from "@std/assert";
import { runCommand } from "../support/command.ts";

Deno.test({
  name: "bin/kclite runs cli.ts with its arguments as they are, also as a link called java",
  ignore: Deno.build.os === "windows",
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "kclite launcher " });
    try {
      // In place of deno: says what it was called with.
      await Deno.writeTextFile(
        `${folder}/deno`,
        '#!/bin/sh\nif [ "$1" = --version ]; then echo "deno 2.9.0"; exit 0; fi\n' +
          'for part in "$@"; do echo "$part"; done\nexit 7\n',
        {
          mode: 0o755,
        },
      );
      const root = await Deno.realPath(".");
      await Deno.mkdir(`${folder}/jre/bin`, { recursive: true });
      await Deno.symlink(`${root}/bin/kclite`, `${folder}/kclite`);
      await Deno.symlink("../../kclite", `${folder}/jre/bin/java`);
      const args = [
        "-cp",
        "a b.jar:c",
        "software.amazon.kinesis.multilang.MultiLangDaemon",
        "--properties-file",
        "x y",
      ];
      for (const launcher of [`${root}/bin/kclite`, `${folder}/kclite`, `${folder}/jre/bin/java`]) {
        const PATH = `${folder}:${Deno.env.get("PATH")}`;
        const { code, stdout } = await runCommand(launcher, args, { cwd: folder, env: { PATH } });
        assertEquals(stdout, ["run", "-A", "--quiet", `${root}/cli.ts`, ...args, ""].join("\n"));
        assertEquals(code, 7);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
