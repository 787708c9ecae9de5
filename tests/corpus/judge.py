#!/usr/bin/env python3
# judge.py - runs heed-run on a corpus of models; counts fused blocks against the ground truth.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A corpus is a folder with a manifest.json:

  {"models": [{"name": "se_d18", "family": "se", "file": "onnx/se/se_d18.onnx",
               "inputs": [{"npy": "data/se/in0.npy"}], "outputs": [{"npy": "data/se/out0.npy"}],
               "ground_truth": {"channel_gate": 1, "spatial_gate": 0, "attention": 0},
               "also_accept": [{"channel_gate": 0}]}]}

A model is right if it runs, its outputs are within the tolerance, and exactly the true number of
blocks of each kind is fused. Where the truth is a matter of opinion, `also_accept` has other counts.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

KINDS = ("channel_gate", "spatial_gate", "attention")
# In the order of how bad they are.
VERDICTS = ("ok", "missed", "false match", "unsupported", "numbers", "fails", "timeout", "crash")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", nargs="?", default=os.environ.get("HEED_CORPUS", ""),
                        help="folder with a manifest.json (default: $HEED_CORPUS)")
    parser.add_argument("--heed-run", default="build/bin/heed-run")
    parser.add_argument("--models", help="folder of the model files, where it is not the corpus")
    parser.add_argument("--families", default="", help="comma-separated; default: all")
    parser.add_argument("--only", default="", help="models whose name contains this")
    parser.add_argument("--suffix", default=".onnx", help="models whose file ends so")
    parser.add_argument("--need", type=float, default=100, help="percent that must be right")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="absolute and relative")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=float, default=60, help="seconds for each model")
    return parser.parse_args()


def select(models, arguments):
    families = set(filter(None, arguments.families.split(",")))
    return [
        model
        for model in models
        if model["file"].endswith(arguments.suffix)
        and arguments.only in model["name"]
        and (not families or model["family"] in families)
    ]


def run(model, arguments, explain):
    data = pathlib.Path(arguments.corpus)
    file = pathlib.Path(arguments.models or arguments.corpus) / model["file"]
    command = [arguments.heed_run, file, "--explain-json", explain, "--threads", "1"]
    command += ["--atol", str(arguments.tolerance), "--rtol", str(arguments.tolerance)]
    for array in model["inputs"]:
        command += ["--input", data / array["npy"]]
    for array in model["outputs"]:
        command += ["--expect", data / array["npy"]]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=arguments.timeout)


def judge_failure(result):
    """The verdict of a run that did not exit with 0."""
    message = (result.stderr.strip() or result.stdout.strip()).replace("\n", " | ")[-240:]
    if result.returncode not in (0, 1):
        return "crash", f"exit status {result.returncode}: {message}"
    if "mismatch" in message:
        return "numbers", message
    return ("unsupported" if "unsupported" in message.lower() else "fails"), message


def judge_counts(model, anchors):
    """The verdict of a run whose outputs are right."""
    got = collections.Counter(anchor["kind"] for anchor in anchors if anchor["status"] == "fused")
    truths = [model["ground_truth"], *model.get("also_accept", [])]
    if any(all(got[kind] == truth.get(kind, 0) for kind in KINDS) for truth in truths):
        return "ok", ""
    truth = truths[0]
    wrong = [kind for kind in KINDS if got[kind] != truth.get(kind, 0)]
    message = ", ".join(f"{kind}: expected {truth.get(kind, 0)}, got {got[kind]}" for kind in wrong)
    if any(got[kind] > truth.get(kind, 0) for kind in wrong):
        return "false match", message
    reasons = {str(anchor.get("reason")) for anchor in anchors if anchor["status"] != "fused"}
    return "missed", f"{message} ({'; '.join(sorted(reasons)) or 'no anchor'})"


def judge(model, arguments):
    with tempfile.TemporaryDirectory() as scratch:
        explain = pathlib.Path(scratch) / "explain.json"
        try:
            result = run(model, arguments, explain)
        except subprocess.TimeoutExpired:
            return "timeout", f"more than {arguments.timeout} s"
        if result.returncode != 0:
            return judge_failure(result)
        try:
            return judge_counts(model, json.loads(explain.read_text())["anchors"])
        except (OSError, ValueError, KeyError) as error:
            return "fails", f"--explain-json: {error!r}"


def print_table(verdicts_of):
    total = collections.Counter()
    print(f"{'family':18} {'right':>9}")
    for family, verdicts in sorted(verdicts_of.items()):
        others = ", ".join(f"{verdicts[v]} {v}" for v in VERDICTS[1:] if verdicts[v])
        print(f"{family:18} {verdicts['ok']:4}/{verdicts.total():<4} {others}".rstrip())
        total += verdicts
    print(f"{'all':18} {total['ok']:4}/{total.total():<4}")
    return total


def main():
    arguments = parse_arguments()
    if not arguments.corpus:
        print("no corpus given: skipped")
        return 0
    manifest = pathlib.Path(arguments.corpus) / "manifest.json"
    if not manifest.exists():
        print(f"no corpus given: skipped ({manifest} does not exist)")
        return 0
    models = select(json.loads(manifest.read_text())["models"], arguments)
    if not models:
        print(f"{manifest}: no model is selected")
        return 1
    verdicts_of = collections.defaultdict(collections.Counter)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        results = pool.map(lambda model: judge(model, arguments), models)
        for model, (verdict, why) in zip(models, results):
            verdicts_of[model["family"]][verdict] += 1
            if verdict != "ok":
                print(f"{verdict:12} {model['file']}: {why}", flush=True)
    total = print_table(verdicts_of)
    return 0 if 100 * total["ok"] >= arguments.need * total.total() else 1


if __name__ == "__main__":
    sys.exit(main())
