"""The cases that are timed, and the folder of each: its model, its kernels for each chip, and some numbers to expect."""
import concurrent.futures
import dataclasses
import json
import math
import os
import pathlib
import random
import subprocess
import tempfile

from . import numbers
from .attentions import Attention
from .gates import KINDS as GATES, Gate
from .rows import KINDS as ROWS, Row

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = 64


@dataclasses.dataclass
class Case:
    name: str
    family: str  # sdpa, gate or row
    model: object

    def describe(self):
        inputs = [list(item) for item in self.model.inputs()]
        data = {"name": self.name, "family": self.family, "element": self.model.element, "inputs": inputs}
        if self.family == "sdpa":
            m = self.model
            data |= {"size": m.size, "length": m.queries, "causal": m.causal, "batch": m.batch, "heads": m.heads, "flop": m.flop}
        return data


def attentions(arguments):
    for size in arguments.head_sizes:
        for causal in (False, True):
            for length in arguments.lengths:
                model = Attention(max(1, arguments.tokens // length), max(1, arguments.width // size), length, length, size,
                                  attributes=", causal = #attn.causal<top_left>" if causal else "")
                yield Case(f"sdpa_d{size}_s{length}{'_causal' if causal else ''}", "sdpa", model)


def gates(arguments):
    """All images in bf16; two of them in f32, f16, and NHWC."""
    few = arguments.images[1::2][:2] or arguments.images
    for kind in GATES:
        for element, nhwc, images in (("bf16", False, arguments.images), ("bf16", True, few[:1]), ("f32", False, few),
                                      ("f16", False, few)):
            for n, channels, side in images:
                name = f"{kind}_{n}x{channels}x{side}_{element}{'_nhwc' if nhwc else ''}"
                yield Case(name, "gate", Gate(kind, n, channels, side, element, nhwc))


def rows(arguments):
    for kind in ROWS:
        for element in ("bf16", "f32"):
            for count, columns in arguments.rows:
                if kind == "rope":
                    count, columns = count * columns // 128, 128
                yield Case(f"{kind}_{count}x{columns}_{element}", "row", Row(kind, count, columns, element))


def cases(arguments):
    for case in (*attentions(arguments), *gates(arguments), *rows(arguments)):
        if not arguments.only or any(part in case.name for part in arguments.only):
            yield case


def chips_of(family, chips):
    """Only attention has kernels that ask for the `a` of a chip."""
    return [chip for chip in chips if family == "sdpa" or not (chip.endswith("a") and chip[:-1] in chips)]


def form_of(arguments):
    """Cubins where ptxas is, else PTX."""
    if arguments.format:
        return arguments.format
    found = any(os.access(os.path.join(folder, "ptxas"), os.X_OK) for folder in os.environ.get("PATH", "").split(os.pathsep))
    return "cubin" if found else "ptx"


def is_newer(path, *others):
    return path.exists() and all(path.stat().st_mtime >= other.stat().st_mtime for other in others)


def write_if_changed(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def compute(arguments, model, folder, *flags):
    """The results of a case in `folder`, by the CPU and in f32: sums of f16 in f16 would be less exact than a kernel."""
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "model.mlir").write_text(dataclasses.replace(model, element="f32").mlir())
        for number, (_, element, shape) in enumerate(model.inputs()):
            path = scratch / f"in{number}.npy"
            wide, data = numbers.widened(element, math.prod(shape), number)
            numbers.write_npy(path, wide, shape, data)
            flags += ("--input", path)
        subprocess.run([arguments.heed_run, scratch / "model.mlir", *flags, "--output", folder], check=True,
                       stdout=subprocess.DEVNULL)


def expect(arguments, case):
    """Elements of the result at random places, from the CPU's kernels."""
    with tempfile.TemporaryDirectory() as scratch:
        compute(arguments, case.model, scratch)
        element, shape, data = numbers.read_npy(pathlib.Path(scratch, "out0.npy"))
    generator = random.Random(case.name)
    places = [generator.randrange(math.prod(shape)) for _ in range(SAMPLES)]
    return {"places": places, "values": [numbers.floats(element, data, place, 1)[0] for place in places]}


def prepare_case(arguments, case, form):
    folder = arguments.folder / "cases" / case.name
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.mlir"
    write_if_changed(model, case.model.mlir())
    for chip in chips_of(case.family, arguments.chips):
        index = folder / chip / "kernels.json"
        if not is_newer(index, model, arguments.heed_compile) or json.loads(index.read_text())["file"] != f"kernels.{form}":
            subprocess.run([arguments.heed_compile, model, "--target", "cuda", "--chip", chip, "--format", form, "-o", folder / chip],
                           check=True)
    description = folder / "case.json"
    if not is_newer(description, model):
        data = case.describe()
        if case.family != "sdpa":  # whose rows are computed where they are compared
            data["samples"] = expect(arguments, case)
        description.write_text(json.dumps(data) + "\n")


def in_parallel(work, items):
    """Each by a thread, which waits for tools; the first error is raised."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, items))


def prepare(arguments):
    form = form_of(arguments)
    listed = list(cases(arguments))
    in_parallel(lambda case: prepare_case(arguments, case, form), listed)
    (arguments.folder / "cases.json").write_text(json.dumps({"format": form, "cases": [case.name for case in listed]}) + "\n")
