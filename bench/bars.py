"""What Heed has to reach: against the best peer for blocks, against the machine's limit for kernels."""
import re

EQUAL = 0.98  # the same, within what runs differ
STRONG_PEER = 0.75  # of the FMA peak: a peer below that leaves room
NEAR_PEAK = 0.90  # of the FMA peak: a layer of products that is there need not beat anyone


def of_block(row, peer_share=None, own_share=None):
    """How many times as fast as the best peer a block must be. The shares of the FMA peak that the best peer and Heed reach
    matter to some; None where they are not known."""
    name, family = row["block"], row["family"]
    n = re.search(r"_(\d+)x", name)
    if family == "cbam":
        return 2.0
    if family in ("se_inner", "eca_inner"):
        return 1.6 if int(n[1]) >= 8 else 1.25
    if family == "sdpa_causal":
        return 1.6 if row["size"] >= 1024 else EQUAL
    if family == "sdpa_window":
        return 8.0 if row["size"] >= 2048 else 4.5 if row["size"] >= 1024 else EQUAL
    if family == "sdpa_decode":
        return 2.0 if row["size"] >= 8192 else 1.4 if row["size"] >= 256 else EQUAL
    if family == "sdpa":
        return 1.1 if peer_share is not None and peer_share < STRONG_PEER else EQUAL
    if family in ("mha", "enc"):
        return EQUAL if own_share is not None and own_share >= NEAR_PEAK else 1.05
    return EQUAL


def compile_seconds(row):
    """How long a block may take to compile: an encoder of 12 identical layers less than 12 times as long. None for whole
    networks, which have no bar."""
    return {"encoder": 3.0, "models": None}.get(row["family"], 0.5)


def of_kernel(name):
    """(least per cent of the limit, most of the time of what the kernel is compared with); None where there is no bar."""
    family = name.split("/")[0]
    numbers = {m[1]: int(m[2]) for m in re.finditer(r"/([a-z]+)(\d+)(?=/|$)", name)}
    length, size = numbers.get("s", 0), numbers.get("d", 0)
    if family == "sdpa" and length >= 512:
        return (72 if size < 64 else 82 if size < 80 else 85), None
    if family == "sdpa" and length >= 128:
        return (70 if size < 64 else 76), None
    if family == "sdpa_causal" and length >= 2048:
        return None, 0.56
    if re.fullmatch(r"sdpa_window\d+", family) and length >= 2048:
        return None, 0.14
    if family == "sdpa_bf16":
        return None, 1 / 1.7
    if family == "sdpa_decode" and 2 * 4 * numbers["h"] * numbers["kv"] * size > 64 << 20:  # beyond any cache
        return 85, None
    gate = re.fullmatch(r"(?:se|eca)(?:_nhwc|_nchw\d+c)?(_in_place)?", family)
    if gate and 64 <= numbers["c"] <= 512:
        # Out of place, 90 % of the limit and the best peer; in place, that much faster than the peer.
        return (90, None) if not gate[1] else (None, 1 / 1.6 if numbers["n"] >= 8 else 1 / 1.25)
    return None, None
