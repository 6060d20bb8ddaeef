"""What the superuser never meets: a process that may not read everything."""

import subprocess
import sys

DROP = """
import os
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
"""


def run_unprivileged(folder, prepare, then):
    """Run Python code in `folder` and, having given up the superuser's rights, more code: the finished process.

    `prepare` imports what is needed, since the packages may lie where nobody else may read.
    """
    folder.chmod(0o755)  # the way to it may be closed to others, but the process is already there
    return subprocess.run(
        [sys.executable, "-c", prepare + DROP + then], cwd=folder, capture_output=True, text=True, check=False
    )
