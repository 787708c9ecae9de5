#!/usr/bin/env python3
"""Heed's kernels on an NVIDIA GPU: numbers compared, attention in TFLOP/s beside the peak and beside PyTorch and Triton, gates and
rows in GB/s beside a copy on the device.

   gpu.py                        builds all of it with build/bin/heed-compile, then runs it
   gpu.py --prepare-only         builds only: the folder build/bench/gpu, bench/gpu.py and bench/gpu are then all that a machine
                                 with a GPU needs, beside Python and the driver
   gpu.py --run-only             runs what is in the folder

One JSON file holds all of it, and is written as it goes. Work is done in processes of their own with limits of time. Kernels
are for several chips, and the device's capability chooses: sm_80 or sm_90 for products of warps (mma.sync), sm_90a for those of
warpgroups (wgmma). A row's numbers are compared too: attention with its definition in doubles, else with the CPU's kernels.
"""
import argparse
import json
import pathlib
import sys
import time

from gpu import models, peers, suite, table, worker
from gpu.driver import CudaError, Driver
from gpu.program import runs_on

# Bounds of a row's error (measure.py says of what).
MOST_ULP = {"sdpa": 3, "gate": 8, "row": 4}  # a gate is rounded after each of its steps
MOST_ULP_F32 = 128
PEER_LIMIT = 150  # seconds: Triton compiles and tunes in them


class Run:
    """What was measured, in a file that is always whole; and the time that is left."""

    def __init__(self, arguments, device):
        self.path, self.end = arguments.json, time.monotonic() + arguments.limit_total
        self.limit, self.failed, self.skipped = arguments.limit, 0, 0
        self.data = {"device": device, "targets": table.TARGETS, "versions": {}, "checks": [], "rows": [], "notes": []}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.save()

    def save(self):
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.data, indent=1) + "\n")
        temporary.replace(self.path)

    def note(self, text):
        print(f"gpu.py: {text}", file=sys.stderr, flush=True)
        self.data["notes"].append(text)
        self.save()

    def add(self, kind, row):
        self.data[kind].append(row)
        self.save()

    def ask(self, work, job, name, limit=None):
        """The reply to a job, within what is left; none if it failed, which is noted, or if no time is left."""
        left = self.end - time.monotonic()
        if left <= 0:
            self.skipped += 1
            return None
        try:
            return work.ask(job, min(limit or self.limit, left))
        except worker.Failed as failure:
            self.note(f"{name}: {failure}")
            return None


def chosen(arguments, names):
    return [name for name in names if not arguments.only or any(part in name for part in arguments.only)]


def run_checks(arguments, run, capability):
    path = arguments.folder / "checks.json"
    if not path.exists():
        return
    listed = json.loads(path.read_text())
    work = worker.Worker(command(arguments, "checks"))
    print(table.CHECK_HEAD, flush=True)
    for name in chosen(arguments, listed["checks"]):
        folder = arguments.folder / "checks" / name
        chips = [file.stem for file in sorted(folder.glob("*.so")) if runs_on(file.stem, listed["format"], capability)]
        for chip in table.newest(chips):
            result = run.ask(work, {"folder": str(folder), "chip": chip}, f"check {name}, {chip}")
            if result is None:
                run.failed += time.monotonic() < run.end
                continue
            row = {"name": name, "chip": chip, **result}
            run.add("checks", row)
            print(table.check_line(row), flush=True)
            run.failed += not row["share_of_bound"] <= 1
    work.end()


def most_ulp(case):
    return MOST_ULP_F32 if case["element"] == "f32" else MOST_ULP[case["family"]]


def run_kernels(arguments, run, device):
    path = arguments.folder / "cases.json"
    if not path.exists():
        sys.exit(f"gpu.py: {arguments.folder}: expected what --prepare-only writes there")
    listed = json.loads(path.read_text())
    work, family, cases = worker.Worker(command(arguments, "kernels")), None, []
    for name in chosen(arguments, listed["cases"]):
        folder = arguments.folder / "cases" / name
        case = json.loads((folder / "case.json").read_text())
        cases.append(case)
        if case["family"] != family:
            family = case["family"]
            print(table.HEADS[family], flush=True)
        chips = [index.parent.name for index in sorted(folder.glob("*/kernels.json"))]
        fitting = [chip for chip in chips if runs_on(chip, listed["format"], device["capability"])]
        if not fitting:
            run.note(f"{name}: expected kernels for compute capability {device['capability'] / 10}, got {', '.join(chips)}")
            run.failed += 1
        for chip in table.newest(fitting):
            result = run.ask(work, {"folder": str(folder), "chip": chip}, f"{name}, {chip}")
            if result is None:
                run.failed += time.monotonic() < run.end
                continue
            row = {**{key: value for key, value in case.items() if key != "samples"}, **result}
            run.add("rows", row)
            print(table.line(row, device["peak_tflops"]), flush=True)
            if not row["error_ulp"] <= most_ulp(case):
                run.note(f"{name}, {chip}: wrong numbers: an error of {row['error_ulp']:.1f} units in the last place")
                run.failed += 1
    work.end()
    return [case for case in cases if case["family"] == "sdpa"]


def run_peers(arguments, run, cases, device):
    work = worker.Worker(command(arguments, "peers"))
    versions = run.ask(work, {}, "PyTorch", PEER_LIMIT)
    if versions is None:
        return
    run.data["versions"] = versions
    print(f"\nPyTorch {versions['torch']}, Triton {versions.get('triton', 'is not there')}")
    print(table.HEADS["sdpa"], flush=True)
    absent = set()
    for engine in peers.ENGINES:
        for case in cases:
            if engine in absent or not peers.wanted(engine, case):
                continue
            result = run.ask(work, {"engine": engine, "case": case}, f"{engine}, {case['name']}", PEER_LIMIT)
            if result is None:
                absent.add(engine)  # what fails once is not tried again: time is short
                continue
            row = {**case, **result}
            run.add("rows", row)
            print(table.line(row, device["peak_tflops"]), flush=True)
    work.end()


def command(arguments, kind):
    flags = [sys.executable, __file__, "--worker", kind, "--folder", arguments.folder, "--runs", str(arguments.runs), "--seconds",
             str(arguments.seconds)]
    return flags + (["--triton-tutorial", arguments.triton_tutorial] if arguments.triton_tutorial else [])


def run_all(arguments):
    try:
        device = Driver().info()
    except CudaError as error:
        sys.exit(f"gpu.py: {error}")
    run = Run(arguments, device)
    peak = f"{device['peak_tflops']:.0f} TFLOP/s" if device["peak_tflops"] else "unknown"
    print(f"{device['name']}, compute capability {device['capability'] / 10}, peak of bf16 {peak}")
    run_checks(arguments, run, device["capability"])
    cases = run_kernels(arguments, run, device)
    if arguments.peers:
        run_peers(arguments, run, cases, device)
    if run.skipped:
        run.note(f"stopped after {arguments.limit_total:.0f} s: {run.skipped} rows were not measured")
    print(table.summary(run.data))
    run.save()
    print(arguments.json)
    return 1 if run.failed else 0


def parse():
    numbers = lambda text: [int(number) for number in text.split(",")]
    shapes = lambda text: [tuple(map(int, shape.split("x"))) for shape in text.split(",")]
    words = lambda text: text.split(",")
    build = suite.ROOT / "build"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepare-only", action="store_true")
    parser.add_argument("--run-only", action="store_true")
    parser.add_argument("--folder", default=build / "bench/gpu", type=pathlib.Path, help="what is prepared")
    parser.add_argument("--json", default=build / "bench/gpu.json", type=pathlib.Path)
    parser.add_argument("--only", type=words, default=[], help="parts of names of cases and checks")
    parser.add_argument("--limit-total", type=float, default=300, help="seconds of all that is run")
    parser.add_argument("--limit", type=float, default=60, help="seconds of one case")
    parser.add_argument("--runs", type=int, default=20, help="times that the median is taken of")
    parser.add_argument("--seconds", type=float, default=0.1, help="that a case is measured")
    parser.add_argument("--triton-tutorial", type=pathlib.Path, help="a copy of Triton's 06-fused-attention.py")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="neither PyTorch nor Triton")
    parser.add_argument("--chips", type=words, default=["sm_80", "sm_90", "sm_90a"])
    parser.add_argument("--format", help="ptx, cubin, or mlir for an emulated driver (default: cubin where ptxas is, else ptx)")
    parser.add_argument("--mcpu", default="x86-64-v3", help="the CPU beside the GPU")
    parser.add_argument("--heed-compile", default=build / "bin/heed-compile", type=pathlib.Path)
    parser.add_argument("--heed-run", default=build / "bin/heed-run", type=pathlib.Path)
    parser.add_argument("--runtime", default=build / "lib/libheed_runtime.so", type=pathlib.Path)
    parser.add_argument("--head-sizes", type=numbers, default=[128, 64])
    parser.add_argument("--lengths", type=numbers, default=[512, 1024, 2048, 4096, 8192, 16384])
    parser.add_argument("--tokens", type=int, default=16384, help="batch times length")
    parser.add_argument("--width", type=int, default=2048, help="heads times their size")
    parser.add_argument("--images", type=shapes, help="number, channels and side of a gate's images",
                        default=[(1, 256, 56), (8, 256, 56), (32, 256, 56), (8, 512, 28), (32, 1024, 14), (32, 2048, 7)])
    parser.add_argument("--rows", type=shapes, default=[(8192, 4096)], help="number and length of rows")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    arguments = parse()
    if arguments.worker:
        worker.main(arguments.worker, arguments)
        return 0
    if not arguments.run_only:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        suite.prepare(arguments)
        models.prepare(arguments)
    return 0 if arguments.prepare_only else run_all(arguments)


if __name__ == "__main__":
    sys.exit(main())
