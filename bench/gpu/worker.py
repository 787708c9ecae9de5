"""Work in a process of its own, with a limit of time: what hangs or breaks the device's context is ended, and the next job gets
a new one. Jobs and replies are lines of JSON."""
import json
import os
import pathlib
import selectors
import subprocess
import sys
import tempfile
import time


class Failed(Exception):
    """A job that gave no reply: why."""


class Worker:
    def __init__(self, command):
        self.command, self.process = command, None

    def start(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)
        self.rest = b""

    def ask(self, job, limit):
        """The reply; Failed after `limit` seconds, or where there is none."""
        if self.process is None:
            self.start()
        deadline = time.monotonic() + limit
        try:
            self.process.stdin.write(json.dumps(job).encode() + b"\n")
            self.process.stdin.flush()
            line = self.read_line(deadline)
        except BrokenPipeError:
            line = None
        if line is None:
            raise Failed(self.end(f"stopped after {limit:.0f} s" if time.monotonic() >= deadline else None))
        reply = json.loads(line)
        if "failure" in reply:
            self.end()
            raise Failed(reply["failure"])
        return reply

    def read_line(self, deadline):
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while b"\n" not in self.rest:
                if not selector.select(max(0, deadline - time.monotonic())):
                    return None
                part = self.process.stdout.read1(1 << 16)
                if not part:
                    return None
                self.rest += part
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def end(self, why=None):
        """Ends the process; what it last wrote as an error, if nothing else is known."""
        if self.process is None:
            return why
        process, self.process = self.process, None
        if why:
            process.kill()
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        with self.errors:
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()[-1:]
        code = process.returncode
        return why or (last[0] if last else f"ended with {code}")


def serve(do):
    """The other side: replies to the jobs of standard input, until one fails."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no reply
    for line in sys.stdin:
        job = json.loads(line)
        try:
            reply = do(job)
        except Exception as error:
            reply = {"failure": str(error) or type(error).__name__}
        out.write(json.dumps(reply) + "\n")
        out.flush()
        if "failure" in reply:
            return


def kernels(arguments):
    from .driver import Driver
    from .measure import Measure
    measure = Measure(Driver(), arguments.runs, arguments.seconds)

    def do(job):
        folder = pathlib.Path(job["folder"])
        return measure.case(json.loads((folder / "case.json").read_text()), folder / job["chip"])

    return do


def checks(arguments):
    from .models import Checks
    loaded = Checks(arguments.folder)
    return lambda job: loaded.run(pathlib.Path(job["folder"]), job["chip"])


def peers(arguments):
    from .peers import Peers
    loaded = Peers(arguments.runs, arguments.seconds, arguments.triton_tutorial)
    return lambda job: loaded.case(job["engine"], job["case"]) if "case" in job else loaded.versions()


def main(kind, arguments):
    makers = {"kernels": kernels, "checks": checks, "peers": peers}
    made = {}

    def do(job):
        if not made:
            made["do"] = makers[kind](arguments)
        return made["do"](job)

    serve(do)
