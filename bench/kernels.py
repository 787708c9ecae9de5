#!/usr/bin/env python3
"""Kernels beside the limits of the machine: runs build/bin/heed-bench and prints what its rows come to.

"limit" is the share of the limit in per cent: of the peak of multiply-adds, of the bandwidth of reading K and V once, or of
reading X once and copying it (of a softmax, or of an exponential an element, if that takes longer), each measured in the same
process, on as many threads and on the same buffers. "own" is the
time over that of full attention (causal, window, bf16), or of the gate out of place (in place).

Other arguments go to heed-bench (--benchmark_filter=REGEX, --benchmark_repetitions=3, --mcpu=CPU, …). Writes
build/bench/kernels.json, as Google Benchmark has it, and kernels.svg.
"""
import argparse
import json
import re
import statistics
import subprocess
import sys

import bars
import peers
import plot
import report

TOOL = peers.ROOT / "build/bin/heed-bench"
# A kernel's name -> that of the kernel that its time is compared with, by a substitution.
COMPARED = [
    (r"^sdpa_causal/", "sdpa/b1/"), (r"^sdpa_window\d+/", "sdpa/b1/"), (r"^sdpa_bf16/", "sdpa/"),
    (r"^((?:se|eca)\w*?)_in_place/", r"\1/"),
]


def compared_with(name):
    for pattern, replacement in COMPARED:
        if re.search(pattern, name):
            return re.sub(pattern, replacement, name)
    return None


def medians(results):
    """Name -> the row whose values are the medians over the repetitions; {"error"} where a kernel failed."""
    groups = {}
    for row in results:
        if row.get("run_type", "iteration") == "iteration":
            groups.setdefault(row["name"].removesuffix("/manual_time"), []).append(row)
    rows = {}
    for name, group in groups.items():
        failed = [r for r in group if r.get("error_occurred")]
        keys = [] if failed else [k for k in ("gflops", "gbytes", "percent", "best_us", "median_us") if k in group[0]]
        rows[name] = {k: statistics.median(r[k] for r in group) for k in keys}
        if failed:
            rows[name]["error"] = failed[0].get("error_message", "failed")
    return rows


def table(rows):
    yield f"{'kernel':42s} {'best us':>10s} {'median us':>10s} {'rate':>14s} {'limit %':>8s} {'own':>6s}"
    for name, row in rows.items():
        if "error" in row:
            yield f"{name:42s} fails: {row['error'].splitlines()[0]}"
            continue
        rate = f"{row['gflops']:.1f} GFLOP/s" if "gflops" in row else f"{row['gbytes']:.1f} GB/s"
        own = report.cell(own_share(rows, name))
        yield f"{name:42s} {row['best_us']:10.1f} {row['median_us']:10.1f} {rate:>14s} {row['percent']:8.1f} {own:>6s}"


def own_share(rows, name):
    """The time of a kernel over that of the one that it is compared with; None without one."""
    other = rows.get(compared_with(name), {}).get("best_us")
    return rows[name]["best_us"] / other if other else None


def missed(rows):
    """A line for each kernel that does not reach its bar."""
    for name, row in rows.items():
        if "error" in row:
            continue
        least, most = bars.of_kernel(name.rpartition("/")[0])
        own = own_share(rows, name)
        if least and row["percent"] < least:
            yield f"  {row['percent']:.1f} % of the limit, not {least} %: {name}"
        if most and own and own > most:
            yield f"  {own:.2f} of {compared_with(name)}, not {most:.2f}: {name}"


def panels(rows):
    """The shares of the limits as panels of a chart: a family and head size each, over the length or the elements."""
    found = {}
    for name, row in rows.items():
        family, *parts = name.split("/")
        numbers = {m[1]: int(m[2]) for part in parts if (m := re.fullmatch(r"([a-z]+)(\d+)", part))}
        if "percent" not in row:
            continue
        if "d" in numbers:
            title, axis, size = f"{family}, D = {numbers['d']}", "keys", numbers.get("kv", numbers.get("s"))
        elif "c" in numbers:
            title, axis, size = family, "elements of X", numbers["n"] * numbers["c"] * numbers["s"] ** 2
        else:
            title, axis, size = family, "elements of X", numbers["rows"] * numbers["size"]
        groups = found.setdefault((title, axis), {})
        groups.setdefault(numbers["t"], []).append((size, row["percent"] / 100, f"{name}: {row['percent']:.1f} %"))
    return [(title, axis, groups) for (title, axis), groups in found.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    options, rest = parser.parse_known_args()
    if not TOOL.exists():
        print("kernels: build/bin/heed-bench is not built (it needs libbenchmark-dev)", file=sys.stderr)
        return 1
    report.OUT.mkdir(parents=True, exist_ok=True)
    path = report.OUT / "kernels.json"
    command = [str(TOOL), "--threads", options.threads, f"--benchmark_out={path}.tmp", *rest]
    if subprocess.run(command, stdout=sys.stderr if sys.stderr.isatty() else subprocess.DEVNULL).returncode:
        return 1
    (report.OUT / "kernels.json.tmp").replace(path)
    result = json.loads(path.read_text())
    info, rows = report.machine([]), medians(result["benchmarks"])
    chart = plot.chart("Share of the limit that this machine was measured to have", info["cpu"], panels(rows), percent=True)
    (report.OUT / "kernels.svg").write_text("\n".join(chart) + "\n")
    print(report.describe(info))
    print(", ".join(f"{k} {v}" for k, v in result["context"].items() if isinstance(v, str) and ("peak" in k or k in ("mcpu", "vector_bits", "onednn"))))
    print("\n".join(table(rows)))
    below = list(missed(rows))
    print(f"below their bar: {len(below)}", *below, sep="\n")
    print(f"written: {path} and .svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
