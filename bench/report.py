"""What the benchmarks share: the machine and the versions, the results as JSON, and the table."""
import datetime
import json
import os
import pathlib
import platform
import subprocess

import bars
import peers

OUT = peers.ROOT / "build/bench"
ISA = ("avx2", "fma", "f16c", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16", "asimd", "sve")


def cpu_info():
    """Fields of the first processor of /proc/cpuinfo; empty elsewhere."""
    path = pathlib.Path("/proc/cpuinfo")
    text = path.read_text().split("\n\n")[0] if path.exists() else ""
    return {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}


def heed_version():
    run = subprocess.run(["git", "-C", str(peers.ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return run.stdout.strip() or "unknown"


def machine(names):
    """CPU, instruction sets, processors, and the versions of all engines that ran."""
    info = cpu_info()
    flags = info.get("flags", info.get("Features", "")).split()
    return {
        "cpu": f"{info.get('model name', platform.processor() or platform.machine())}, "
               f"family {info.get('cpu family', '?')} model {info.get('model', '?')}",
        "isa": [f for f in ISA if f in flags],
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "date": datetime.date.today().isoformat(),
        "versions": {"heed": heed_version(), "python": platform.python_version(), **peers.versions(names)},
    }


def describe(info):
    """The machine in two lines."""
    software = ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    return f"{info['cpu']}; {' '.join(info['isa'])}; {info['processors']} processors; {info['system']}\n{software}"


def write_json(name, info, rows):
    """build/bench/NAME.json: appears whole or not at all."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    temporary = path.with_suffix(".json.tmp")
    temporary.write_text(json.dumps({"machine": info, "rows": rows}, indent=1) + "\n")
    temporary.replace(path)
    return path


def read_rows(name):
    """The rows of build/bench/NAME.json; none without it."""
    path = OUT / f"{name}.json"
    return json.loads(path.read_text())["rows"] if path.exists() else []


# --- Rows: {"block", "family", "size", "threads", "flops", "peak", "engines": {name: {"ms": …} or {"error": …}}} ----------
# `flops` of a call and `peak`, FLOP a second as measured with the row, are null where they are not known.


def time_of(row, name):
    return row["engines"].get(name, {}).get("ms")


def best_peer(row):
    """(name, ms) of the fastest engine that is not Heed; None where none ran."""
    times = {n: e["ms"] for n, e in row["engines"].items() if n not in peers.HEED and "ms" in e}
    return min(times.items(), key=lambda item: item[1]) if times else None


def ratio(row):
    """Time of the best peer over Heed's: above one, Heed is faster."""
    best, own = best_peer(row), time_of(row, "heed")
    return best[1] / own if best and own else None


def ratio_unfused(row):
    own, unfused = time_of(row, "heed"), time_of(row, "unfused")
    return unfused / own if own and unfused else None


def share_of_peak(row, ms):
    """What part of the FMA peak an engine reaches that takes so many ms; None where the row does not say."""
    flops, peak = row.get("flops"), row.get("peak")
    return 1e3 * flops / ms / peak if ms and flops and peak else None


def bar(row):
    """How many times as fast as the best peer the row must be."""
    best = best_peer(row)
    return bars.of_block(row, share_of_peak(row, best and best[1]), share_of_peak(row, time_of(row, "heed")))


def compile_time(row):
    """Seconds of Heed's compilation; None where it did not run."""
    return row["engines"].get("heed", {}).get("setup_s")


def geometric_mean(values):
    values = [v for v in values if v]
    product = 1.0
    for value in values:
        product *= value ** (1 / len(values))
    return product if values else None


def cell(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def milliseconds(value):
    return f"{value:.4f}" if value < 1 else f"{value:.3f}" if value < 100 else f"{value:.1f}"


def header(names):
    engines = " ".join(f"{n:>9s}" for n in names)
    return f"{'block':34s} thr {engines}  vs best peer     unfused  % of peak  error/bound (peers')"


def engine_cell(row, name):
    if name not in row["engines"]:
        return ""
    return milliseconds(time_of(row, name)) if time_of(row, name) else "fails"


def line(row, names):
    """One row of the table: ms of each engine, the two ratios, the errors."""
    engines = " ".join(f"{engine_cell(row, n):>9s}" for n in names)
    best = best_peer(row)
    return (f"{row['block']:34s} {row['threads']:3d} {engines}  {cell(ratio(row)):>5s} {best[0] if best else '':8s} "
            f"{cell(ratio_unfused(row)):>6s}  {shares(row):>9s}  {errors(row)}")


def shares(row):
    """Heed's per cent of the FMA peak and the best peer's: "84 (71)"."""
    best = best_peer(row)
    own, other = share_of_peak(row, time_of(row, "heed")), share_of_peak(row, best and best[1])
    return (f"{100 * own:.0f}" if own else "-") + (f" ({100 * other:.0f})" if other else "")


def errors(row):
    """Heed's error as a share of the bound, and the least and the largest of the peers'."""
    share = {n: e["error_of_bound"] for n, e in row["engines"].items() if "error_of_bound" in e}
    others = [s for n, s in share.items() if n not in peers.HEED]
    return f"{cell(share.get('heed'), 3):>8s}" + (f" ({min(others):.3f}-{max(others):.3f})" if others else "")


def summary(rows):
    """What the rows come to: the mean, and the rows that lose."""
    ratios = [ratio(r) for r in rows]
    lines = [f"geometric mean against the best peer: {cell(geometric_mean(ratios))}x over {len(rows)} rows"]
    checks = (("slower than the best peer", ratio, lambda r: bars.EQUAL), ("slower than unfused Heed", ratio_unfused, lambda r: bars.EQUAL),
              ("below its bar against the best peer", ratio, bar))
    for what, of, least in checks:
        below = sorted(((of(r) / least(r), r) for r in rows if of(r) and of(r) < least(r)), key=lambda pair: pair[0])
        lines.append(f"{what}: {len(below)}" + "".join(
            f"\n  {of(r):.2f}x, not {least(r):.2f}x: {r['block']} at {r['threads']} threads" for _, r in below))
    slow = [r for r in rows if bars.compile_seconds(r) and (compile_time(r) or 0) > bars.compile_seconds(r)]
    lines.append(f"compiled for longer than its bar: {len(slow)}" + "".join(
        f"\n  {compile_time(r):.2f} s, not {bars.compile_seconds(r):.1f} s: {r['block']} at {r['threads']} threads"
        for r in sorted(slow, key=compile_time, reverse=True)))
    if any(r.get("flops") and not r.get("peak") for r in rows):
        lines.append("the FMA peak was not measured (heed-bench is not built): bars that depend on it are taken without")
    for r in rows:
        lines += [f"{n} fails on {r['block']}: {e['error'].splitlines()[-1][:150]}" for n, e in r["engines"].items() if "error" in e]
    return "\n".join(lines)
