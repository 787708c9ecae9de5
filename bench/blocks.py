#!/usr/bin/env python3
"""Attention blocks, Heed beside PyTorch eager, torch.compile, ONNX Runtime, OpenVINO and IREE, in one run.

The engines take turns, three rounds; a time is the median over the rounds of a round's best call. "vs best peer" is the
best peer's time over Heed's, "unfused" that of the same program without fusion: above 1, Heed is faster, and from 0.98 on
they count as equal. In rows below 0.1 ms a peer's time holds some 5 to 20 us of its own call from Python; Heed's does not.

The error is Heed's largest, against a reference in double precision, as a share of oneDNN's bound for attention,
8 (1 + n) eps |y| + eps m: n the longest sum of products, m the sum of the products' absolute values, or the largest |y|.
"% of peak" is Heed's share of the peak of multiply-adds, and in brackets the best peer's: heed-bench measures that peak
before and after each row, on as many threads.

Writes build/bench/blocks.json and blocks.svg. Needs torch and onnxscript, to write the blocks; the other peers are optional.
"""
import argparse
import sys
import tempfile

import peers
import plot
import report

EPSILON = 2.0 ** -23


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("only", nargs="*", default=[], help="parts of names of blocks; all without one")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--engines", default="heed,unfused,eager,compile,ort,ov,iree")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.2, help="of each engine in each round")
    parser.add_argument("--sweep", action="store_true", help="the sizes around those of the table too")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--keep", action="store_true", help="keep the rows of the last run that this one does not measure anew")
    parser.add_argument("--name", default="blocks", help="of the files in build/bench")
    return parser.parse_args()


def bound_of(terms, magnitude):
    """(output, expected) -> the largest error as a share of the bound."""
    import numpy as np

    def share(got, expected):
        allowed = 8 * (1 + terms) * EPSILON * np.abs(expected) + EPSILON * magnitude
        return float((np.abs(np.asarray(got, np.float64) - expected) / allowed).max())

    return share


def export(module, tensors, path):
    """Writes the module as ONNX, once."""
    import torch

    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.onnx.export(module, tensors, str(path), dynamo=True, opset_version=18, external_data=False, verbose=False)


def measure(block, engines, threads, options):
    """The row of one block."""
    module, tensors = block.make()
    path = report.OUT / "onnx" / f"{block.name}.onnx"
    export(module, tensors, path)
    exact = module.double(), tuple(t.double() for t in tensors)
    expected, magnitude = [exact[0](*exact[1]).numpy()], block.magnitude(*exact).numpy()
    arrays = [t.numpy() for t in tensors]
    with tempfile.TemporaryDirectory() as folder:
        before = peers.fma_peak(threads) if block.flops else None
        results = peers.compare(engines, path, peers.save(arrays, folder), threads, peers.Timing(options.rounds, options.seconds),
                                arrays, (module.float(), tensors), expected, bound_of(block.terms, magnitude))
        peak = max(before, peers.fma_peak(threads)) if before else None
    return {"block": block.name, "family": block.family, "size": block.size, "threads": threads, "flops": block.flops, "peak": peak,
            "engines": results}


def write(name, info, rows, axes):
    report.write_json(name, info, rows)
    (report.OUT / f"{name}.svg").write_text(plot.ratios(rows, axes, info["cpu"]))


def main():
    options = parse()
    if not all(map(peers.can_import, ("torch", "onnxscript"))):
        print("blocks: needs torch and onnxscript, to write the blocks: set HEED_PYTHON to a Python that has them "
              "(pip install torch onnxscript onnxruntime openvino iree-base-compiler iree-base-runtime)", file=sys.stderr)
        return 1
    import torch

    import families
    torch.set_grad_enabled(False)
    blocks = families.table() + (families.sweep() if options.sweep else [])
    blocks = [b for b in blocks if not options.only or any(part in b.name for part in options.only)]
    if options.list:
        print("\n".join(b.name for b in blocks))
        return 0
    engines = peers.present(options.engines.split(","))
    threads = [int(t) for t in options.threads.split(",")]
    info = report.machine(engines)
    measured = {(b.name, t) for b in blocks for t in threads}
    rows = [r for r in report.read_rows(options.name) if (r["block"], r["threads"]) not in measured] if options.keep else []
    print(report.describe(info))
    print(report.header(engines), flush=True)
    for block in blocks:
        for count in threads:
            rows.append(measure(block, engines, count, options))
            print(report.line(rows[-1], engines), flush=True)
            write(options.name, info, rows, families.AXES)
    print(report.summary(rows))
    print(f"written: {report.OUT / options.name}.json and .svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
