#!/usr/bin/env python3
# mutate.py - plants each bug of sources.txt in a copy of the tree; the fast suite must see it.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""usage: mutate.py [--only NAME] [--list]

For each bug: the copy (build/mutate) gets it, the targets are rebuilt, and generate-test, the unit tests of the
recognisers and of GPU kernels and lit run until one fails. Prints caught or survived; exits 1 if one survived or no
longer applies."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
COPY = ROOT / "build" / "mutate"
TARGETS = ["generate-test", "recognize-test", "gpu-test", "heed-opt", "heed-run", "heed-import"]
LIT = os.environ.get("LIT", "/usr/lib/llvm-22/bin/lit")
# In the order of how fast and how often they see a bug.
GENERATE = ["build/tests/generate-test", "--gtest_brief=1", "--gtest_fail_fast"]
SUITES = [
    ("generate-test", [*GENERATE, "--gtest_filter=*_0"]),
    ("lit", [LIT, "-s", "--max-failures=1", "-j2", "build/tests", "--filter=dialect|passes|pipelines|e2e"]),
    ("recognize-test", ["build/tests/recognize-test", "--gtest_brief=1"]),
    ("gpu-test", ["build/tests/gpu-test", "--gtest_brief=1", "--gtest_filter=-*Assemble*"]),
    ("planted and more generated programs", [*GENERATE, "--gtest_filter=-*_0"]),
]


def read_mutants(path):
    mutants = []
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            mutants.append({"name": line[3:], "file": "", "old": [], "new": []})
        elif line.startswith("#") or not line.strip():
            continue
        elif line[0] in "-+":
            mutants[-1]["old" if line[0] == "-" else "new"].append(line[1:] + "\n")
        else:
            mutants[-1]["file"] = line
    return mutants


def copy_tree():
    files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, files):
        source, target = ROOT / name, COPY / name
        if not source.is_file():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # Equal files keep their time, so that little is built again.
        if not target.exists() or target.read_bytes() != source.read_bytes():
            shutil.copy(source, target)


def run(command):
    return subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def build():
    return run(["cmake", "--build", "build", "--target", *TARGETS])


def try_mutant(mutant):
    path = COPY / mutant["file"]
    original = path.read_text()
    old = "".join(mutant["old"])
    if original.count(old) != 1:
        return f"does not apply ({original.count(old)} places)"
    try:
        path.write_text(original.replace(old, "".join(mutant["new"])))
        if (built := build()).returncode:
            return "does not build\n" + built.stdout[-2000:]
        for name, command in SUITES:
            if run(command).returncode:
                return f"caught by {name}"
        return "SURVIVED"
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="bugs whose name has this in it")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    mutants = read_mutants(pathlib.Path(__file__).with_name("sources.txt"))
    if options.only:
        mutants = [m for m in mutants if any(part in m["name"] for part in options.only)]
    if options.list:
        print("\n".join(f"{m['name']}  {m['file']}" for m in mutants))
        return 0
    copy_tree()
    if not (COPY / "build").exists() and (made := run(["cmake", "--preset", "release"])).returncode:
        sys.exit(made.stdout)
    if (built := build()).returncode:
        sys.exit(built.stdout[-2000:])
    for name, command in SUITES:
        if (result := run(command)).returncode:
            sys.exit(f"{name} fails on the tree as it is\n{result.stdout[-2000:]}")
    caught = 0
    for mutant in mutants:
        start = time.time()
        verdict = try_mutant(mutant)
        caught += verdict.startswith("caught")
        print(f"{mutant['name']:40} {verdict}  ({time.time() - start:.0f} s)", flush=True)
    print(f"{caught} of {len(mutants)} caught")
    return caught != len(mutants)


if __name__ == "__main__":
    sys.exit(main())
