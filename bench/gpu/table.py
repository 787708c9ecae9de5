"""The lines that are printed, and whether the targets are met."""

# On an H200: TFLOP/s of attention in bf16 with heads of 128, 4096 or more tokens and no mask; percent of a copy's bandwidth.
TARGETS = {"mma.sync_tflops": 280, "wgmma_tflops": 500, "gate_percent_of_copy": 85, "row_percent_of_copy": 85}
HEADS = {
    "sdpa": "\n   D      S mask    engine                       us  TFLOP/s  of peak    ulp",
    "gate": "\ngate                              schedule           us     GB/s     copy  of copy  in L2    ulp",
    "row": "\nrows                              schedule           us     GB/s     copy  of copy  in L2    ulp",
}
CHECK_HEAD = "\ncheck                     chip          error  of bound"


def newest(chips):
    """Of the chips whose kernels run on a device, the newest, and the newest with an `a`."""
    number = lambda chip: int(chip.removeprefix("sm_").rstrip("a"))
    for kind in (False, True):
        if found := [chip for chip in chips if chip.endswith("a") == kind]:
            yield max(found, key=number)


def check_line(row):
    verdict = "" if row["share_of_bound"] <= 1 else "  too large"
    return f"{row['name']:25} {row['chip']:8} {row['error']:10.2e} {100 * row['share_of_bound']:6.0f} %{verdict}"


def line(row, peak):
    ulp = f"{row['error_ulp']:6.2f}" if "error_ulp" in row else "     -"
    if row["family"] == "sdpa":
        engine = f"heed {row['schedule']}" if row["engine"] == "heed" else row["engine"]
        share = f"{100 * row['tflops'] / peak:6.1f} %" if peak else "       -"
        return (f"{row['size']:4} {row['length']:6} {'causal' if row['causal'] else 'full':7} {engine:20} {row['median_us']:10.1f} "
                f"{row['tflops']:8.1f} {share} {ulp}")
    return (f"{row['name']:33} {row['schedule']:12} {row['median_us']:8.1f} {row['gb_s']:8.0f} {row['copy_gb_s']:8.0f} "
            f"{row['percent_of_copy']:6.0f} % {row['cached_percent_of_copy']:4.0f} % {ulp}")


def verdict(what, rows, value, target, unit):
    """The worst of some rows beside their target."""
    if not rows:
        return f"{what}: not measured; target {target} {unit}"
    worst = min(rows, key=lambda row: row[value])
    enough = sum(row[value] >= target for row in rows)
    return f"{what}: {worst[value]:.0f} to {max(row[value] for row in rows):.0f} {unit}; {enough} of {len(rows)} reach {target} {unit}" + (
        "" if enough == len(rows) else f"; least: {worst['name']}")


def summary(data):
    rows = [row for row in data["rows"] if row["engine"] == "heed"]
    far = [row for row in rows if row["family"] == "sdpa" and row["size"] == 128 and row["length"] >= 4096 and not row["causal"]]
    lines = ["", f"checks: {sum(c['share_of_bound'] <= 1 for c in data['checks'])} of {len(data['checks'])} within their bounds"]
    for schedule in ("mma.sync", "wgmma"):
        some = [row for row in far if row["schedule"] == schedule]
        lines.append(verdict(f"{schedule}, D 128, S >= 4096, full", some, "tflops", TARGETS[f"{schedule}_tflops"], "TFLOP/s"))
    for family in ("gate", "row"):
        some = [row for row in rows if row["family"] == family]
        lines.append(verdict(f"{family}s, of a copy's bandwidth", some, "percent_of_copy", TARGETS[f"{family}_percent_of_copy"], "%"))
    return "\n".join(lines)
