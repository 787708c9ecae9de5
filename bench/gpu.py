#!/usr/bin/env python3
"""Attention on an NVIDIA GPU: TFLOP/s beside the peak, and beside PyTorch's backends where it is installed.

   gpu.py                        builds the kernels with build/bin/heed-compile, then measures
   gpu.py --prepare-only         builds them only: build/bench/gpu is then all that a machine with a GPU needs, and this file
   gpu.py --run-only             measures what is in the folder

Python and the driver are enough to measure: no package, no toolkit. Each case runs in a process of its own with a limit of
time. A few rows of each result are compared with the definition, in doubles.
"""
import argparse
import array
import ctypes
import json
import math
import os
import pathlib
import random
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
MLIR = """#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
!t = tensor<{batch}x{heads}x{length}x{size}xbf16>
func.func @main(%q: !t, %k: !t, %v: !t) -> !t {{
  %i = tensor.empty() : !t
  %o = attn.sdpa ins(%q, %k, %v : !t, !t, !t) outs(%i : !t) maps = [#q, #k, #v, #o] {{scale = {scale!r} : f64{causal}}} -> !t
  return %o : !t
}}
"""
# FLOP of dense bf16 products with sums in f32, a clock and multiprocessor, by compute capability (NVIDIA's architecture
# white papers).
PEAK = {80: 2048, 86: 512, 87: 1024, 89: 512, 90: 4096, 100: 8192, 120: 1024}
MULTIPROCESSORS, CLOCK_KHZ, MAJOR, MINOR = 16, 13, 75, 76  # CUdevice_attribute
MAX_DYNAMIC_SHARED = 8  # CUfunction_attribute


class Driver:
    """CUDA's driver; a failed call ends with its name and CUDA's of the error."""

    def __init__(self):
        path = os.environ.get("HEED_CUDA_DRIVER", "libcuda.so.1")
        try:
            self.library = ctypes.CDLL(path)
        except OSError as error:
            sys.exit(f"gpu.py: no CUDA driver: {error}")
        self.cuInit(0)
        self.device, self.context = ctypes.c_int(), ctypes.c_void_p()
        self.cuDeviceGet(ctypes.byref(self.device), 0)
        self.cuDevicePrimaryCtxRetain(ctypes.byref(self.context), self.device)
        self.cuCtxSetCurrent(self.context)
        self.stream = ctypes.c_void_p()
        self.cuStreamCreate(ctypes.byref(self.stream), 1)

    def __getattr__(self, name):
        function = getattr(self.library, name)

        def call(*arguments):
            if code := function(*arguments):
                text = ctypes.c_char_p()
                self.library.cuGetErrorName(code, ctypes.byref(text))
                sys.exit(f"gpu.py: {name}: {text.value.decode() if text.value else code}")

        return call

    def attribute(self, number):
        value = ctypes.c_int()
        self.cuDeviceGetAttribute(ctypes.byref(value), number, self.device)
        return value.value

    def name(self):
        text = ctypes.create_string_buffer(256)
        self.cuDeviceGetName(text, 256, self.device)
        return text.value.decode()

    def allocate(self, size):
        pointer = ctypes.c_uint64()
        self.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def event(self):
        event = ctypes.c_void_p()
        self.cuEventCreate(ctypes.byref(event), 0)
        return event

    def info(self):
        capability = self.attribute(MAJOR) * 10 + self.attribute(MINOR)
        hertz = self.attribute(CLOCK_KHZ) * 1e3
        known = max((c for c in PEAK if c <= capability and c // 10 == capability // 10), default=None)
        peak = PEAK[known] * self.attribute(MULTIPROCESSORS) * hertz / 1e12 if known else None
        return {"name": self.name(), "capability": capability, "peak_tflops": peak}


class TensorMap:
    """CUtensorMap of (batch, head, row, column): boxes of it are copied by TMA, in rows of 128 bytes that are swizzled."""

    def __init__(self, driver, pointer, case, box):
        sizes = [case["size"], case["length"], case["heads"], case["batch"]]  # from the innermost
        strides = [2 * math.prod(sizes[:dim]) for dim in (1, 2, 3)]
        self.memory = ctypes.create_string_buffer(128 + 64)
        self.address = (ctypes.addressof(self.memory) + 63) // 64 * 64
        bf16, none, swizzle_128, promote_256, zeros = 9, 0, 3, 3, 0
        driver.cuTensorMapEncodeTiled(
            ctypes.c_void_p(self.address), bf16, 4, ctypes.c_void_p(pointer.value), (ctypes.c_uint64 * 4)(*sizes),
            (ctypes.c_uint64 * 3)(*strides), (ctypes.c_uint32 * 4)(*reversed(box)), (ctypes.c_uint32 * 4)(1, 1, 1, 1), none,
            swizzle_128, promote_256, zeros)


def cases(arguments):
    for size in arguments.head_sizes:
        for length in arguments.lengths:
            for causal in (False, True):
                yield {"name": f"sdpa_d{size}_s{length}{'_causal' if causal else ''}", "size": size, "length": length,
                       "causal": causal, "batch": max(1, arguments.tokens // length), "heads": max(1, arguments.width // size)}


def prepare(arguments):
    """A folder for each case: kernels and their index."""
    for case in cases(arguments):
        folder = arguments.folder / case["name"]
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / "model.mlir"
        causal = ", causal = #attn.causal<top_left>" if case["causal"] else ""
        model.write_text(MLIR.format(scale=1 / math.sqrt(case["size"]), **{**case, "causal": causal}))
        subprocess.run([arguments.heed_compile, model, "--target", "cuda", "--chip", arguments.chip, "--format",
                        arguments.format, "-o", folder / "kernels"], check=True)
        (folder / "case.json").write_text(json.dumps(case) + "\n")


def random_bf16(count, seed):
    """Numbers of both signs between 0.25 and 2, as bytes."""
    generator = random.Random(seed)
    high = bytes((b & 0x80) | 0x3E | (b & 1) for b in range(256))
    values = bytearray(2 * count)
    values[0::2] = generator.randbytes(count)
    values[1::2] = generator.randbytes(count).translate(high)
    return bytes(values)


def floats(data, first, count):
    """Elements of bf16 as doubles: the upper half of an f32."""
    halves = array.array("H", data[2 * first:2 * (first + count)])
    words = array.array("I", (half << 16 for half in halves))
    return array.array("f", words.tobytes())


def check(case, q, k, v, o, rows=3):
    """The largest error of a few rows, in units of the last place of 1."""
    generator, worst = random.Random(5), 0.0
    length, size = case["length"], case["size"]
    for _ in range(rows):
        head = generator.randrange(case["batch"] * case["heads"])
        row = generator.randrange(min(length, 2048)) if case["causal"] else generator.randrange(length)
        keys = row + 1 if case["causal"] else length
        start = head * length * size
        query = floats(q, start + row * size, size)
        key, value = floats(k, start, keys * size), floats(v, start, keys * size)
        scores = [sum(map(float.__mul__, query, key[j * size:(j + 1) * size])) / math.sqrt(size) for j in range(keys)]
        top = max(scores)
        weights = [math.exp(s - top) for s in scores]
        total = sum(weights)
        got = floats(o, start + row * size, size)
        for e in range(size):
            want = sum(w * value[j * size + e] for j, w in enumerate(weights)) / total
            worst = max(worst, abs(want - got[e]) / 2**-8)
    return worst


def measure(arguments, folder):
    """One case in this process: a JSON object."""
    case = json.loads((folder / "case.json").read_text())
    index = json.loads((folder / "kernels/kernels.json").read_text())
    if len(index["launches"]) != 1:
        sys.exit(f"gpu.py: {folder}: expected one launch, got {len(index['launches'])}")
    launch = index["launches"][0]
    boxes = [[int(size) for size in text.split()[-1].split("x")] for text in launch["parameters"][4:]]
    if launch["parameters"][:4] != ["pointer"] * 4 or len(boxes) not in (0, 3) or None in launch["grid"]:
        sys.exit(f"gpu.py: {folder}: expected a kernel of four pointers, and tensor maps of three, and a constant grid")
    driver = Driver()
    module, function = ctypes.c_void_p(), ctypes.c_void_p()
    image = (folder / "kernels" / index["file"]).read_bytes() + b"\0"
    driver.cuModuleLoadDataEx(ctypes.byref(module), image, 0, None, None)
    driver.cuModuleGetFunction(ctypes.byref(function), module, launch["kernel"].encode())
    driver.cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, launch["shared_bytes"])
    count = case["batch"] * case["heads"] * case["length"] * case["size"]
    data = [random_bf16(count, seed) for seed in range(3)]
    buffers = [driver.allocate(2 * count) for _ in range(4)]
    for pointer, values in zip(buffers, data):
        driver.cuMemcpyHtoDAsync_v2(pointer, values, ctypes.c_size_t(2 * count), driver.stream)
    maps = [TensorMap(driver, pointer, case, box) for pointer, box in zip(buffers, boxes)]
    addresses = [ctypes.addressof(pointer) for pointer in buffers] + [tensor_map.address for tensor_map in maps]
    parameters = (ctypes.c_void_p * len(addresses))(*addresses)

    def run():
        driver.cuLaunchKernel(function, *launch["grid"], launch["threads"], 1, 1, launch["shared_bytes"], driver.stream,
                              parameters, None)

    begin, end, milliseconds = driver.event(), driver.event(), ctypes.c_float()
    for _ in range(arguments.warm_up):
        run()
    times = []
    for _ in range(arguments.runs):
        driver.cuEventRecord(begin, driver.stream)
        run()
        driver.cuEventRecord(end, driver.stream)
        driver.cuStreamSynchronize(driver.stream)
        driver.cuEventElapsedTime(ctypes.byref(milliseconds), begin, end)
        times.append(milliseconds.value / 1e3)
    result = ctypes.create_string_buffer(2 * count)
    driver.cuMemcpyDtoHAsync_v2(result, buffers[3], ctypes.c_size_t(2 * count), driver.stream)
    driver.cuStreamSynchronize(driver.stream)
    return {**case, "chip": index["chip"], "device": driver.info(), "engine": "heed", "kernel": launch["kernel"],
            "threads": launch["threads"], "shared_bytes": launch["shared_bytes"],
            "error_ulp": check(case, *data, result.raw), **summary(case, times, driver.info()["peak_tflops"])}


def summary(case, times, peak):
    """Products of both matrices: 4 B H S² D, half of it if causal."""
    flop = 4 * case["batch"] * case["heads"] * case["length"] ** 2 * case["size"] / (2 if case["causal"] else 1)
    best, median = min(times), sorted(times)[len(times) // 2]
    tflops = flop / median / 1e12 if median > 0 else None
    return {"min_us": best * 1e6, "median_us": median * 1e6, "tflops": tflops,
            "percent_of_peak": 100 * tflops / peak if peak and tflops else None}


def measure_torch(arguments, case, backend):
    """PyTorch's attention, pinned to one of its kernels; `triton` is flex_attention as Triton compiles it."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    shape = [case["batch"], case["heads"], case["length"], case["size"]]
    q, k, v = (torch.randn(shape, device="cuda", dtype=torch.bfloat16) for _ in range(3))
    attention = torch.nn.functional.scaled_dot_product_attention
    if backend == "triton":
        from torch.nn.attention.flex_attention import create_block_mask, flex_attention
        compiled = torch.compile(flex_attention)
        mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, *shape[2:3] * 2) if case["causal"] else None

        def run():
            compiled(q, k, v, block_mask=mask)
    else:
        kind = {"flash": SDPBackend.FLASH_ATTENTION, "cudnn": SDPBackend.CUDNN_ATTENTION,
                "efficient": SDPBackend.EFFICIENT_ATTENTION}[backend]

        def run():
            with sdpa_kernel(kind):
                attention(q, k, v, is_causal=case["causal"])
    for _ in range(arguments.warm_up):
        run()
    times = []
    for _ in range(arguments.runs):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return {**case, "engine": f"torch {backend}", "version": torch.__version__, **summary(case, times, None)}


def has_torch():
    code = "import torch, sys; sys.exit(not torch.cuda.is_available())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def in_a_process(arguments, folder, engine):
    """The object that this file prints for one case; what failed says so."""
    command = [sys.executable, __file__, "--one", folder, "--engine", engine, "--runs", str(arguments.runs), "--warm-up",
               str(arguments.warm_up)]
    name = f"{folder.name}, {engine}"
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=arguments.limit)
    except subprocess.TimeoutExpired:
        print(f"gpu.py: {name}: stopped after {arguments.limit} s", file=sys.stderr)
        return None
    if run.returncode:
        last = run.stderr.strip().splitlines()[-1:] or [f"ended with {run.returncode}"]
        print(f"gpu.py: {name}: {last[0]}", file=sys.stderr)
        return None
    return json.loads(run.stdout.splitlines()[-1])


def print_row(row, peak):
    tflops = f"{row['tflops']:8.1f}" if row["tflops"] else "       -"
    percent = f"{100 * row['tflops'] / peak:5.1f} %" if row["tflops"] and peak else "      -"
    error = f"{row['error_ulp']:.2f}" if "error_ulp" in row else "-"
    print(f"{row['size']:4} {row['length']:6} {'causal' if row['causal'] else 'full':7} {row['engine']:16} "
          f"{row['median_us']:11.1f} {tflops} {percent} {error:>6}", flush=True)


def measure_all(arguments):
    folders = sorted((path.parent for path in arguments.folder.glob("*/case.json")),
                     key=lambda path: [json.loads((path / "case.json").read_text())[key] for key in ("size", "causal", "length")])
    if not folders:
        sys.exit(f"gpu.py: {arguments.folder}: expected kernels of --prepare-only there")
    device = Driver().info()
    peak = device["peak_tflops"]
    print(f"{device['name']}, compute capability {device['capability'] / 10}, peak of bf16 "
          f"{f'{peak:.0f} TFLOP/s' if peak else 'unknown'}")
    print("   D      S mask    engine                    us  TFLOP/s of peak    ulp")
    engines = ["heed"] + ([f"torch-{name}" for name in ("cudnn", "flash", "efficient", "triton")] if has_torch() else [])
    rows, failed = [], 0
    for folder in folders:
        for engine in engines:
            row = in_a_process(arguments, folder, engine)
            if row is None:
                failed += engine == "heed"
                continue
            rows.append(row)
            print_row(row, peak)
            if row.get("error_ulp", 0) > 3:
                print(f"gpu.py: {folder.name}: wrong numbers", file=sys.stderr)
                failed += 1
    if len(engines) == 1:
        print("no PyTorch with CUDA here: nothing to compare with")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    temporary = arguments.json.with_suffix(".tmp")
    temporary.write_text(json.dumps({"device": device, "rows": rows}, indent=1) + "\n")
    temporary.replace(arguments.json)
    print(arguments.json)
    return 1 if failed else 0


def main():
    numbers = lambda text: [int(number) for number in text.split(",")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heed-compile", default=ROOT / "build/bin/heed-compile", type=pathlib.Path)
    parser.add_argument("--folder", default=ROOT / "build/bench/gpu", type=pathlib.Path, help="kernels")
    parser.add_argument("--json", default=ROOT / "build/bench/gpu.json", type=pathlib.Path)
    parser.add_argument("--chip", default="sm_90a", help="sm_90a: products of warpgroups; sm_80: of warps, on every GPU")
    parser.add_argument("--format", default="ptx", help="ptx, or cubin where ptxas is")
    parser.add_argument("--head-sizes", type=numbers, default=[64, 128])
    parser.add_argument("--lengths", type=numbers, default=[512, 1024, 2048, 4096, 8192, 16384])
    parser.add_argument("--tokens", type=int, default=16384, help="batch times length")
    parser.add_argument("--width", type=int, default=2048, help="heads times their size")
    parser.add_argument("--warm-up", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--limit", type=float, default=120, help="seconds of a case")
    parser.add_argument("--prepare-only", action="store_true")
    parser.add_argument("--run-only", action="store_true")
    parser.add_argument("--one", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--engine", default="heed", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        case = json.loads((arguments.one / "case.json").read_text())
        row = (measure(arguments, arguments.one) if arguments.engine == "heed"
               else measure_torch(arguments, case, arguments.engine.removeprefix("torch-")))
        print(json.dumps(row))
        return 0
    if not arguments.run_only:
        prepare(arguments)
    return 0 if arguments.prepare_only else measure_all(arguments)


if __name__ == "__main__":
    sys.exit(main())
