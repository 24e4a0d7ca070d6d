import { assertEquals } from "@std/assert";
import { type Found, lookUpProgram, type ProgramSurroundings } from "../../src/host/programs.ts";
import { withFolder } from "../support/folder.ts";

interface Machine {
  readonly files?: Readonly<Record<string, Found>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly isWindows?: boolean;
}

function machine({ files = {}, env = { PATH: "/bin:/usr/bin" }, isWindows = false }: Machine) {
  const variables = new Map(Object.entries(env)), found = new Map(Object.entries(files));
  const surroundings: ProgramSurroundings = {
    look: (path) => Promise.resolve(found.get(path) ?? "nothing"),
    env: (name) => variables.get(name),
    workingFolder: isWindows ? "C:\\work" : "/work",
    isWindows,
  };
  return surroundings;
}

async function problemOf(executableName: string, options: Machine, folder?: string): Promise<string> {
  const lookup = await lookUpProgram(executableName, folder, machine(options));
  return lookup.type === "missing" ? lookup.problem : lookup.type;
}

Deno.test("lookUpProgram() finds a program on PATH, at a path, and in an empty part of PATH", async () => {
  assertEquals(await problemOf("node app.js", { files: { "/usr/bin/node": "program" } }), "found");
  assertEquals(await problemOf("  ./x.py -v", { files: { "./x.py": "program" } }), "found");
  assertEquals(
    await problemOf("x.py", { files: { "/work/x.py": "program" }, env: { PATH: "/bin:" } }),
    "found",
  );
});

Deno.test("lookUpProgram() passes over what cannot be run on PATH, as execvp does", async () => {
  const files: Machine["files"] = { "/bin/x": "file", "/usr/bin/x": "program" };
  assertEquals(await problemOf("x", { files }), "found");
  assertEquals(await problemOf("x", { files: { "/bin/x": "folder" } }), NOT_ON_PATH);
});

const NOT_ON_PATH = 'there is no program "x" on PATH; a name without a slash is looked for there';

Deno.test("lookUpProgram() says where a program without a slash is", async () => {
  assertEquals(
    await problemOf("x.py", { files: { "/work/x.py": "file" } }),
    'there is no program "x.py" on PATH; a name without a slash is looked for there ' +
      "(there is one here: write ./x.py)",
  );
  assertEquals(
    await problemOf("x", { files: { "/etc/app/x": "program" } }, "/etc/app"),
    `${NOT_ON_PATH} (there is one beside the properties file: write /etc/app/x)`,
  );
  assertEquals(await problemOf("x", {}, "/etc/app"), NOT_ON_PATH);
});

Deno.test("lookUpProgram() says why a program at a path cannot be started", async () => {
  assertEquals(await problemOf("./x.py", {}), 'there is no program "./x.py", seen from /work');
  assertEquals(
    await problemOf("./x.py", { files: { "/etc/app/x.py": "program" } }, "/etc/app"),
    'there is no program "./x.py", seen from /work (there is one beside the properties file: write /etc/app/x.py)',
  );
  assertEquals(await problemOf("/opt/x.py", {}), 'there is no program "/opt/x.py"');
  assertEquals(
    await problemOf("./x.py", { files: { "./x.py": "file" } }),
    '"./x.py" is not executable: chmod +x ./x.py',
  );
  assertEquals(
    await problemOf("./app", { files: { "./app": "folder" } }),
    '"./app" is a folder: expected a program',
  );
});

Deno.test("lookUpProgram() says what a shell would have understood", async () => {
  const quotes = "quotes are not understood, and each space ends a word: write the name without them";
  assertEquals(await problemOf('"my app.py"', {}), `there is no program ""my": ${quotes}`);
  assertEquals(await problemOf("'app.py'", {}), `there is no program "'app.py'": ${quotes}`);
  for (const name of ["~/x.py", "$HOME/x.py", "%HOME%/x.py"]) {
    assertEquals(
      await problemOf(name, {}),
      `there is no program "${name}": "~" and variables are not understood: write the whole path`,
    );
  }
  assertEquals(
    await problemOf("python\tapp.py", {}),
    'there is no program "python\\tapp.py": only spaces separate a program from its arguments',
  );
});

Deno.test("lookUpProgram() tries the extensions of PATHEXT on Windows, and the working folder first", async () => {
  const windows = { isWindows: true, env: { Path: "C:\\bin;C:\\tools", PATHEXT: ".EXE;.PY" } };
  assertEquals(await problemOf("node", { ...windows, files: { "C:\\tools\\node.EXE": "program" } }), "found");
  assertEquals(await problemOf("app", { ...windows, files: { "C:\\work\\app.PY": "program" } }), "found");
  assertEquals(
    await problemOf("C:\\x\\app", { ...windows, files: { "C:\\x\\app.EXE": "program" } }),
    "found",
  );
  assertEquals(await problemOf("x", windows), NOT_ON_PATH);
  assertEquals(await problemOf("C:\\x\\app", windows), 'there is no program "C:\\x\\app"');
});

Deno.test("lookUpProgram() knows nothing where it may not look", async () => {
  assertEquals(await problemOf("x", { env: {} }), "unknown");
  assertEquals(await problemOf("x", { files: { "/bin/x": "notPermitted" } }), "unknown");
  assertEquals(await problemOf("./x", { files: { "./x": "notPermitted" } }), "unknown");
  assertEquals(
    await problemOf("x", { files: { "/bin/x": "notPermitted", "/usr/bin/x": "program" } }),
    "found",
  );
});

Deno.test("lookUpProgram() looks at real files", async () => {
  await withFolder({ "run.sh": "exit 0" }, async (folder) => {
    const path = `${folder}/run.sh`;
    await Deno.chmod(path, 0o644);
    assertEquals(await lookUpProgram(path, undefined), {
      type: "missing",
      problem: `"${path}" is not executable: chmod +x ${path}`,
    });
    await Deno.chmod(path, 0o755);
    assertEquals(await lookUpProgram(path, undefined), { type: "found" });
    assertEquals((await lookUpProgram(folder, undefined)).type, "missing");
    assertEquals(await lookUpProgram("sh -c x", undefined), { type: "found" });
  });
});
