"""Whole programs on the device, by Heed's C interface: shared libraries that heed-compile made, the numbers of the CPU beside.

What they need goes along in runtime.tar.xz: libheed_runtime and the libraries that it asks for."""
import ctypes
import dataclasses
import itertools
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

from . import numbers, suite
from .attentions import Attention
from .driver import Driver
from .gates import KINDS as GATES, Gate
from .rows import KINDS as ROWS, Row

# What the runtime is linked with, in the order in which it is loaded.
LIBRARIES = ["libgcc_s.so.1", "libstdc++.so.6", "libgomp.so.1", "libdnnl.so.3", "libheed_runtime.so"]
# |got − want| ≤ atol + rtol · |want|: the result is rounded at other places than on the CPU, and so are p and what is between
# the steps of a gate.
BOUNDS = {"f32": (2e-5, 2e-5), "f16": (2e-3, 4e-3), "bf16": (1.6e-2, 3.2e-2)}
CAUSAL, LAST, ZERO = ", causal = #attn.causal<top_left>", ", causal = #attn.causal<bottom_right>", ", masked_rows = #attn.masked_rows<zero>"


@dataclasses.dataclass
class Check:
    name: str
    model: object = None  # Attention, Gate or Row; or
    onnx: pathlib.Path = None  # a file with inputs and outputs beside it


def attentions():
    """Each thing that a kernel does, in each element type."""
    kinds = {
        "plain": Attention(2, 2, 200, 200, 64),
        "causal": Attention(1, 2, 300, 300, 128, attributes=CAUSAL),
        "window": Attention(1, 2, 300, 300, 64, attributes=", window = array<i64: 40, 8>" + ZERO),
        "mask": Attention(2, 2, 130, 150, 64, mask=True, attributes=ZERO),
        "bias": Attention(1, 2, 130, 102, 64, bias=True),
        "grouped": Attention(2, 8, 190, 190, 128, group=4, attributes=CAUSAL),
        "ragged": Attention(1, 2, 97, 131, 40),
        "wide": Attention(1, 2, 130, 140, 256),
        "lse": Attention(1, 2, 190, 200, 64, lse=True),
        "softcap": Attention(1, 2, 128, 200, 64, attributes=", softcap = 5.0 : f64"),
        "kv_length": Attention(3, 2, 128, 200, 64, lengths=True, attributes=ZERO),
        "decode": Attention(2, 8, 1, 2000, 128, group=4),
        "decode_lse": Attention(1, 4, 4, 1500, 64, lse=True, attributes=LAST),
    }
    for (kind, model), element in itertools.product(kinds.items(), BOUNDS):
        yield f"sdpa_{kind}_{element}", dataclasses.replace(model, element=element)


def gates():
    for kind, element in itertools.product(GATES, BOUNDS):
        yield f"{kind}_{element}", Gate(kind, 2, 64, 28, element)
        yield f"{kind}_nhwc_{element}", Gate(kind, 2, 64, 28, element, nhwc=True)
    yield "se_wide_bf16", Gate("se", 1, 256, 56)
    yield "se_large_f32", Gate("se", 1, 64, 96, "f32")  # more than a cluster holds


def rows():
    for kind, element in itertools.product(ROWS, BOUNDS):
        yield f"{kind}_{element}", Row(kind, 33, 768, element)


def checks():
    """From networks of PyTorch too, with its numbers."""
    for name, model in (*attentions(), *gates(), *rows()):
        yield Check(name, model)
    for name in ("se_timm", "cbam_timm", "eca_timm", "mha_self", "sdpa_causal", "encoder_layer", "norms", "ropes"):
        path = suite.ROOT / "tests/models" / f"{name}.onnx"
        yield Check(f"onnx_{name}", onnx=path)


def prepare_check(arguments, check, form):
    folder = arguments.folder / "checks" / check.name
    folder.mkdir(parents=True, exist_ok=True)
    model = check.onnx or folder / "model.mlir"
    if not check.onnx:
        suite.write_if_changed(model, check.model.mlir())
    for chip in suite.chips_of("sdpa" if "sdpa" in check.name else "", arguments.chips):
        library = folder / f"{chip}.so"
        if not suite.is_newer(library, model, arguments.heed_compile):
            # What is compared is the GPU; of a network, cuBLAS and cuDNN too, where they are.
            subprocess.run([arguments.heed_compile, model, "--target", "cuda", "--chip", chip, "--format", form, "--shared", "--name",
                            "model", "--mcpu", arguments.mcpu, "-o", library, *([] if check.onnx else ["--onednn=off"])], check=True)
    description = folder / "check.json"
    if suite.is_newer(description, model):
        return
    if check.onnx:
        for path in sorted(check.onnx.parent.glob(f"{check.onnx.stem}.*.npy")):
            shutil.copy(path, folder / path.name.removeprefix(check.onnx.stem + "."))
    else:
        suite.compute(arguments, check.model, folder, "--no-fuse")
    element = check.model.element if check.model else "f32"
    inputs = list(check.model.inputs()) if check.model else []
    atol, rtol = BOUNDS[element]
    description.write_text(json.dumps({"name": check.name, "element": element, "inputs": inputs, "atol": atol, "rtol": rtol}) + "\n")


def selected(arguments):
    return [check for check in checks() if not arguments.only or any(part in check.name for part in arguments.only)]


def prepare(arguments):
    form = suite.form_of(arguments)
    listed = selected(arguments)
    suite.in_parallel(lambda check: prepare_check(arguments, check, form), listed)
    (arguments.folder / "checks.json").write_text(json.dumps({"format": form, "checks": [check.name for check in listed]}) + "\n")
    pack(arguments.runtime, arguments.folder / "runtime.tar.xz")


def pack(runtime, archive):
    """The runtime and what it is linked with, but for the C library."""
    if suite.is_newer(archive, runtime):
        return
    listing = subprocess.run(["ldd", runtime], check=True, capture_output=True, text=True).stdout
    found = {line.split()[0]: line.split()[2] for line in listing.splitlines() if "=> /" in line}
    temporary = archive.with_suffix(".tmp")
    with tarfile.open(temporary, "w:xz", preset=0) as tar:
        for name in LIBRARIES:
            path = found.get(name) if name != runtime.name else runtime
            if path:
                tar.add(os.path.realpath(path), name)
    temporary.replace(archive)


class Model(ctypes.Structure):  # its beginning: runtime/support/Model.h
    _fields_ = [("version", ctypes.c_int32), ("inputs", ctypes.c_int32), ("outputs", ctypes.c_int32)]


class Input(ctypes.Structure):
    _fields_ = [("data", ctypes.c_char_p), ("bytes", ctypes.c_int64), ("shape", ctypes.POINTER(ctypes.c_int64))]


class Output(ctypes.Structure):
    _fields_ = [("buffer", ctypes.c_void_p), ("bufferBytes", ctypes.c_int64), ("data", ctypes.c_void_p), ("bytes", ctypes.c_int64),
                ("shape", ctypes.POINTER(ctypes.c_int64))]


class Counts(ctypes.Structure):  # HeedCudaCounts
    _fields_ = [(name, ctypes.c_int64) for name in ("launches", "libraryCalls", "hostCalls", "copiesToDevice", "bytesToDevice",
                                                    "copiesToHost", "bytesToHost")]


def name_libraries():
    """For the runtime: NVIDIA's libraries where Python packages have them, unless others are named or the driver is not theirs."""
    if "HEED_CUDA_DRIVER" in os.environ:
        return
    for variable, name in (("HEED_CUBLASLT", "libcublasLt.so.*"), ("HEED_CUDNN", "libcudnn.so.*")):
        found = sorted(path for folder in sys.path for path in pathlib.Path(folder or ".").glob(f"nvidia/*/lib/{name}"))
        if found:
            os.environ.setdefault(variable, str(found[-1]))


class Runtime:
    """libheed_runtime, from the archive."""

    def __init__(self, archive):
        with tempfile.TemporaryDirectory() as folder, tarfile.open(archive) as tar:
            for name in tar.getnames():  # in their order
                path = pathlib.Path(folder, name)
                path.write_bytes(tar.extractfile(name).read())
                self.library = ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
        self.library.heed_model_context.restype = ctypes.c_void_p
        for name in ("heed_program_error", "heed_context_error"):
            getattr(self.library, name).restype = ctypes.c_char_p

    def run(self, path, inputs):
        """The results of a model, as bytes, and what was done for them."""
        model = ctypes.CDLL(str(path))
        model.model_model.restype = ctypes.POINTER(Model)
        description = model.model_model()
        program = ctypes.c_void_p()
        if self.library.heed_model_load(description, None, ctypes.byref(program)):
            raise RuntimeError(self.library.heed_program_error(program).decode())
        context = ctypes.c_void_p(self.library.heed_model_context(program, ctypes.c_int64(1)))
        outputs = (Output * description.contents.outputs)()
        arrays = (Input * len(inputs))(*[Input(data, len(data), (ctypes.c_int64 * len(shape))(*shape)) for _, shape, data in inputs])
        if description.contents.inputs != len(inputs):
            raise RuntimeError(f"expected {description.contents.inputs} inputs, got {len(inputs)}")
        try:
            if model.model_run(context, arrays, outputs):
                raise RuntimeError(self.library.heed_context_error(context).decode())
            counts = Counts()
            self.library.heed_cuda_counts(context, ctypes.byref(counts))
            return [ctypes.string_at(output.data, output.bytes) for output in outputs], counts
        finally:
            self.library.heed_context_destroy(context)
            self.library.heed_program_destroy(program)


def compare(got, want, atol, rtol):
    """Of two lists: (largest error, the largest share of its bound)"""
    error, share = 0.0, 0.0
    for a, b in zip(got, want):
        if a == b or (math.isnan(a) and math.isnan(b)):
            continue
        difference = abs(a - b)
        if math.isnan(difference):
            difference = math.inf
        error, share = max(error, difference), max(share, difference / (atol + rtol * abs(b)))
    return error, share


class Checks:
    def __init__(self, folder):
        self.driver = Driver()  # keeps the device's context from one model to the next
        name_libraries()
        self.runtime = Runtime(folder / "runtime.tar.xz")

    def run(self, folder, chip):
        check = json.loads((folder / "check.json").read_text())
        # Drawn again, so that they need not travel; a network's are in files.
        inputs = [(element, shape, numbers.draw(element, math.prod(shape), seed))
                  for seed, (_, element, shape) in enumerate(check["inputs"])]
        inputs = inputs or [numbers.read_npy(folder / f"in{n}.npy") for n in range(len(list(folder.glob("in*.npy"))))]
        error, share = 0.0, 0.0
        results, counts = self.runtime.run(folder / f"{chip}.so", inputs)
        if counts.launches == 0:
            raise RuntimeError("expected kernels to be launched, got none")
        for n, got in enumerate(results):
            wide, shape, want = numbers.read_npy(folder / f"out{n}.npy")
            element = check["element"] if n == 0 else wide  # the second is a log-sum-exp
            count = math.prod(shape)
            if len(got) != count * numbers.BYTES[element]:
                raise RuntimeError(f"result {n}: expected {count} elements of {element}, got {len(got)} bytes")
            one, other = compare(numbers.floats(element, got, 0, count), numbers.floats(wide, want, 0, count), check["atol"],
                                 check["rtol"])
            error, share = max(error, one), max(share, other)
        return {"error": error, "share_of_bound": share, "atol": check["atol"], "rtol": check["rtol"], "launches": counts.launches,
                "library_calls": counts.libraryCalls, "host_calls": counts.hostCalls}
