"""ExifTool as one process that answers many calls: its start takes longer than what the tests ask of it."""

import json
import subprocess
from pathlib import Path


class ExifTool:
    """A running ExifTool; each call must end well."""

    def __init__(self, program: str):
        self._process = subprocess.Popen(
            [program, "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def _run(self, *arguments: str) -> str:
        """What a call with these arguments, a line each, says."""
        self._process.stdin.write("\n".join([*arguments, "-echo3", "${status}", "-execute", ""]))
        self._process.stdin.flush()
        lines = []
        while (line := self._process.stdout.readline()) != "{ready}\n":
            assert line, f"exiftool {arguments}: it has ended"
            lines.append(line)
        *said, status = lines
        assert status == "0\n", f"exiftool {arguments}: status {status}"
        return "".join(said)

    def tags(self, path: Path, *options: str) -> dict:
        """What it reads, by group and name."""
        said = self._run("-j", "-a", "-G1", "-struct", "-charset", "filename=utf8", *options, str(path))
        [found] = json.loads(said)
        return {
            name: value
            for name, value in found.items()
            if not name.startswith(("System:", "File:", "SourceFile"))
        }

    def write(self, path: Path, *values: str) -> None:
        """What a person does with it."""
        self._run("-overwrite_original", *values, str(path))

    def close(self) -> None:
        self._process.communicate("-stay_open\nFalse\n")
