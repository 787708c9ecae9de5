#!/usr/bin/env python3
"""Times every model of this folder without and with fusion: bench.py [SUBSTRING] [--threads N].

The two programs are run in turn, three times each; the smallest median counts.
"""
import argparse
import glob
import json
import os
import subprocess

here = os.path.dirname(os.path.abspath(__file__))
tool = os.path.join(here, "..", "..", "build", "bin", "heed-run")


def median_ms(model, inputs, *flags):
    command = [tool, model, "--bench", "--json", "--bench-seconds", "0.3", *flags]
    for path in inputs:
        command += ["--input", path]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["median_ms"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="")
    parser.add_argument("--threads", default="1")
    args = parser.parse_args()
    print(f"{'model':28s} {'unfused ms':>11s} {'fused ms':>11s} {'ratio':>6s}   ({args.threads} threads)")
    for model in sorted(glob.glob(os.path.join(here, "*.onnx"))):
        stem = model[: -len(".onnx")]
        inputs = sorted(glob.glob(glob.escape(stem) + ".in*.npy"))
        if not inputs or args.only not in os.path.basename(stem):
            continue
        times = [(median_ms(model, inputs, "--no-fuse", "--threads", args.threads),
                  median_ms(model, inputs, "--threads", args.threads)) for _ in range(3)]
        unfused, fused = (min(t) for t in zip(*times))
        print(f"{os.path.basename(stem):28s} {unfused:11.4f} {fused:11.4f} {unfused / fused:6.2f}")


if __name__ == "__main__":
    main()
