"""The command ``kclite``: starts the bundled program on the Deno that the package ``deno`` brings."""

import os
import subprocess
import sys
from pathlib import Path

BUNDLE = Path(__file__).with_name("cli.js")


def command(arguments):
    """The program to start, and its arguments."""
    from deno import find_deno_bin

    return [os.fspath(find_deno_bin()), "run", "-A", "--quiet", "--no-config", os.fspath(BUNDLE), *arguments]


def main():
    """Becomes kclite. Signals reach it directly, so that it stops in order."""
    if not BUNDLE.exists():
        sys.exit("Cannot start kclite: expected cli.js beside __main__.py: got a checkout: run deno task pack:python")
    parts = command(sys.argv[1:])
    if os.name == "posix":
        os.execv(parts[0], parts)
    sys.exit(subprocess.call(parts))


if __name__ == "__main__":
    main()
