# SPDX-License-Identifier: LGPL-2.1-or-later
"""Running the program under test, and what its output may never hold."""

import os
import re
import subprocess
import time

# What a sanitizer, a failed assertion, valgrind, a C library or Python says.
TRACES = re.compile(
    rb"Sanitizer|runtime error:|Assertion .* failed|^==\d+==|Traceback|core dumped|"
    rb"stack smashing|free\(\): |malloc\(\): |Segmentation|\(null\)",
    re.MULTILINE,
)
SANITIZER_STATUS = 99


class Failure(Exception):
    """What a scenario expects is not so."""


class Result:
    def __init__(self, arguments, status, out, err, seconds):
        self.arguments = arguments
        self.status = status
        self.out = out
        self.err = err
        self.seconds = seconds

    def __str__(self):
        arguments = " ".join(os.fsdecode(argument) for argument in self.arguments)
        text = f"hwrecover {arguments[:600]!s}: exit {self.status}"
        for name, data in (("stdout", self.out), ("stderr", self.err)):
            if data:
                text += f"\n{name}: " + data[-1500:].decode(errors="replace").rstrip()
        return text


def environment():
    return {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
        "ASAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:abort_on_error=0:"
        + os.environ.get("ASAN_OPTIONS", ""),
        "LSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:" + os.environ.get("LSAN_OPTIONS", ""),
        "UBSAN_OPTIONS": f"exitcode={SANITIZER_STATUS}:halt_on_error=1:print_stacktrace=1",
    }


class Program:
    def __init__(self, path):
        self.path = path
        self.runs = 0

    def run(self, arguments, timeout=60, wrapper=(), extra_environment=None, **options):
        """Run it; fails on a crash, a trace or a run that does not end."""
        command = [*wrapper, self.path, *arguments]
        variables = environment()
        variables.update(extra_environment or {})
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        self.runs += 1
        start = time.monotonic()
        try:
            done = subprocess.run(command, env=variables, timeout=timeout, check=False, **options)
        except subprocess.TimeoutExpired as error:
            raise Failure(f"hwrecover {' '.join(arguments)}: still running after {timeout} s") \
                from error
        result = Result(arguments, done.returncode, done.stdout or b"", done.stderr or b"",
                        time.monotonic() - start)
        if not wrapper and result.status not in (0, 1, 2, 3):
            raise Failure(f"not an exit status of ours: {result}")
        if TRACES.search(result.err) or TRACES.search(result.out):
            raise Failure(f"a trace: {result}")
        return result


def one_line_of_error(result):
    """Contract section 3: an error is one line on stderr, "hwrecover: …"."""
    lines = result.err.decode(errors="replace").splitlines()
    if len(lines) != 1 or not lines[0].startswith("hwrecover: "):
        raise Failure(f"not one line 'hwrecover: …' on stderr: {result}")


def find_program(given):
    """--program, $HWRECOVER, or the build directory next to us."""
    candidates = [given, os.environ.get("HWRECOVER")]
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__)))))
    candidates.append(os.path.join(top, "build", "agent", "hwrecover"))
    candidates.append(os.path.join(top, "build", "hwrecover"))
    for candidate in candidates:
        if candidate and os.access(candidate, os.X_OK):
            return os.path.abspath(candidate)
        if candidate and candidate in candidates[:2]:
            raise SystemExit(f"{candidate} is not a program")
    raise SystemExit("where is the program? --program PATH or $HWRECOVER")
