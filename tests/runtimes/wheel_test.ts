/** The wheel, as Python reads it. */

import { assertEquals } from "@std/assert";
import { canRun, runCommand } from "../support/command.ts";
import { textFile, wheelName, wheelOf } from "./wheel.ts";
import { zipOf } from "./zip.ts";

const ignore = !await canRun("python3");

/** What a program of Python prints about an archive. */
async function pythonSays(archive: Uint8Array<ArrayBuffer>, program: string): Promise<unknown> {
  const path = await Deno.makeTempFile({ suffix: ".whl" });
  try {
    await Deno.writeFile(path, archive);
    const { stdout, stderr, code } = await runCommand("python3", ["-B", "-c", program, path]);
    assertEquals(code, 0, stderr);
    return JSON.parse(stdout);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test({
  name: "zipOf() writes what Python reads: names, contents, checksums, permissions",
  ignore,
  async fn() {
    const long = "abc".repeat(100_000);
    const archive = await zipOf([textFile("a/b.txt", "one"), textFile("ü.txt", long), textFile("empty", "")]);
    const program = `import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
files = [[i.orig_filename.encode("cp437").decode(), archive.read(i).decode(), oct(i.external_attr >> 16)] for i in archive.infolist()]
print(json.dumps([archive.testzip(), files]))`;
    assertEquals(await pythonSays(archive, program), [null, [
      ["a/b.txt", "one", "0o100644"],
      ["ü.txt", long, "0o100644"],
      ["empty", "", "0o100644"],
    ]]);
    assertEquals(archive.length < long.length, true);
  },
});

const METADATA = {
  name: "small",
  version: "1.2.3",
  summary: "A summary",
  license: "Apache-2.0",
  homepage: "https://x.y",
  python: ">=3.10",
  requires: ["deno>=2.9,<3"],
  description: "# Small\n",
  commands: { small: "small.__main__:main" },
};

Deno.test({
  name: "wheelOf() lists each file with its checksum, and asks for the runtime",
  ignore,
  async fn() {
    const wheel = await wheelOf(METADATA, [textFile("small/__init__.py", "x = 1\n")], { LICENSE: "free" });
    const program = `import base64, csv, email, hashlib, json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
read = lambda name: archive.read("small-1.2.3.dist-info/" + name).decode()
wrong = []
listed = list(csv.reader(read("RECORD").splitlines()))
for name, digest, size in listed:
    data = archive.read(name)
    wanted = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    if not name.endswith("/RECORD") and [digest, size] != [wanted, str(len(data))]: wrong.append(name)
about = email.message_from_string(read("METADATA"))
print(json.dumps([wrong, sorted(name for name, _, _ in listed) == sorted(archive.namelist()),
  about["Requires-Dist"], about["Requires-Python"], about["License-File"], about.get_payload(), read("entry_points.txt")]))`;
    assertEquals(await pythonSays(wheel, program), [
      [],
      true,
      "deno>=2.9,<3",
      ">=3.10",
      "LICENSE",
      "# Small\n",
      "[console_scripts]\nsmall = small.__main__:main\n",
    ]);
  },
});

Deno.test("wheelName() is what pip goes by", () => {
  assertEquals(wheelName(METADATA), "small-1.2.3-py3-none-any.whl");
});
