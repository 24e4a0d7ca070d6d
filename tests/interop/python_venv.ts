/**
 * Python packages for a test, in a virtual environment in a temporary folder: nothing is installed in the project or on the machine.
 *
 * @module
 */

import { canRun, runCommand } from "../support/command.ts";

/** A virtual environment. Disposing it removes its folder. */
export interface PythonVenv extends AsyncDisposable {
  readonly folder: string;
  /** The path of its Python. */
  readonly python: string;
}

/**
 * Makes a virtual environment and installs packages from PyPI.
 *
 * @param packages As pip names them, e.g. `boto3==1.44.8`.
 * @param parent The folder in which its folder is made. Undefined: that of temporary files.
 * @returns The reason, as a text, when this machine cannot have it.
 */
export async function makeVenv(
  packages: readonly string[],
  parent?: string,
): Promise<PythonVenv | string> {
  if (!await canRun("python3")) return "there is no python3 on PATH";
  const folder = await Deno.makeTempDir({
    prefix: "kclite-python-",
    ...(parent === undefined ? {} : { dir: parent }),
  });
  const remove = () => Deno.remove(folder, { recursive: true });
  const made = await runCommand("python3", ["-m", "venv", folder], { timeoutMs: 120_000 });
  const python = `${folder}/bin/python3`;
  // A Python without pip, or without the package python3-venv, cannot make one.
  const installed = made.code !== 0 ? made : await runCommand(
    python,
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages],
    { timeoutMs: 600_000 },
  );
  if (installed.code === 0) return { folder, python, [Symbol.asyncDispose]: remove };
  await remove();
  const said = (installed.stdout + installed.stderr).trim().slice(-300);
  return `${made.code === 0 ? `pip cannot install ${packages.join(" ")}` : "python3 -m venv fails"}: ${said}`;
}
