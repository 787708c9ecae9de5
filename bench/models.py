#!/usr/bin/env python3
"""Whole networks: Heed fused and unfused, beside ONNX Runtime and OpenVINO where they are installed, in one run.

The models of tests/models, and those of each FOLDER: every NAME.onnx with its inputs NAME.in0.npy, … or, without them, the
folder's manifest.json ({"models": [{"name", "file", "inputs": [{"npy"}]}]}). The engines take turns, three rounds; a time is
the median over the rounds of a round's best call. Writes build/bench/models.json.
"""
import argparse
import json
import pathlib
import sys

import peers
import report


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", default=[], help="parts of names of models; all without one")
    parser.add_argument("--folder", action="append", default=[], type=pathlib.Path, help="more models")
    parser.add_argument("--data", type=pathlib.Path, help="a manifest.json whose models lie in --folder")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--engines", default="heed,unfused,ort,ov")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each engine in each round")
    return parser.parse_args()


def beside(folder):
    """(name, path, files of inputs) of the models that have their inputs beside them."""
    for path in sorted(folder.glob("*.onnx")):
        inputs = sorted(folder.glob(path.stem + ".in*.npy"), key=lambda p: int(p.stem.rpartition(".in")[2]))
        if inputs:
            yield path.stem, path, inputs


def listed(manifest, folder):
    """The same by a manifest: arrays lie beside it, models in `folder`."""
    for model in json.loads(manifest.read_text())["models"]:
        path = folder / model["file"]
        if path.exists():
            yield model["name"], path, [manifest.parent / x["npy"] for x in model["inputs"]]


def models(options):
    yield from beside(peers.ROOT / "tests/models")
    for folder in options.folder:
        manifest = options.data or folder / "manifest.json"
        yield from listed(manifest, folder) if manifest.exists() else beside(folder)


def load(files):
    """The arrays, for the peers; None without NumPy, which then are not there either."""
    if not peers.can_import("numpy"):
        return None
    import numpy as np

    return [np.load(file) for file in files]


def main():
    options = parse()
    engines = peers.present(options.engines.split(","))
    info, rows = report.machine(engines), []
    timing = peers.Timing(options.rounds, options.seconds)
    print(report.describe(info))
    print(report.header(engines), flush=True)
    for name, path, inputs in models(options):
        if options.only and not any(part in name for part in options.only):
            continue
        arrays = load(inputs)
        for threads in map(int, options.threads.split(",")):
            results = peers.compare(engines, path, inputs, threads, timing, arrays)
            rows.append({"block": name, "family": "models", "size": path.stat().st_size, "threads": threads, "engines": results})
            print(report.line(rows[-1], engines), flush=True)
            report.write_json("models", info, rows)
    print(report.summary(rows))
    print(f"written: {report.OUT / 'models'}.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
