"""The engines that Heed is timed beside, and how: interleaved rounds in one run.

Each engine is optional. An engine that is not installed is named once; one that fails on a model is named in its row.
"""
import dataclasses
import importlib
import importlib.metadata
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEED_RUN = os.environ.get("HEED_RUN", str(ROOT / "build/bin/heed-run"))
HEED_BENCH = ROOT / "build/bin/heed-bench"  # built only where Google Benchmark is installed

# Engine -> the Python modules that it needs, and the packages whose versions a result states.
NEEDS = {
    "eager": (["torch"], ["torch"]),
    "compile": (["torch"], ["torch"]),
    "ort": (["onnxruntime"], ["onnxruntime"]),
    "ov": (["openvino"], ["openvino"]),
    "iree": (["iree.runtime", "iree.compiler"], ["iree-base-runtime", "iree-base-compiler"]),
}
HEED = ("heed", "unfused")


def can_import(module):
    try:
        importlib.import_module(module)
        return True
    except ImportError:
        return False


def present(names):
    """Those of `names` that can run here; says which cannot."""
    missing = [n for n in names if n in NEEDS and not all(map(can_import, NEEDS[n][0]))]
    for name in missing:
        print(f"not installed, so left out: {name} (needs {', '.join(NEEDS[name][1])})", file=sys.stderr)
    return [n for n in names if n not in missing]


def versions(names):
    """Package -> version, of the engines given."""
    packages = {p for n in names if n in NEEDS for p in NEEDS[n][1]}
    return {p: importlib.metadata.version(p) for p in sorted(packages)}


# --- Heed: a process of its own ---------------------------------------------------------------------------------------


def heed_bench(path, files, threads, flags=(), seconds=0.3, outputs=False):
    """One `heed-run --bench` on arrays in files: its JSON (compile_s, min_ms, median_ms, …), with "outputs" if asked. Its
    threads keep to a processor each, as OpenVINO's do: a scheduler under load may leave two on one."""
    command = [HEED_RUN, str(path), "--threads", str(threads), "--bench", "--json", "--bench-seconds", str(seconds), *flags]
    for file in files:
        command += ["--input", str(file)]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([*command, *(["--output", folder] if outputs else [])], capture_output=True, text=True,
                             env={"OMP_PROC_BIND": "true", **os.environ})
        if run.returncode:
            raise RuntimeError(run.stderr.strip() or f"heed-run ended with {run.returncode}")
        result = json.loads(run.stdout[run.stdout.index("{"):])
        if outputs:
            import numpy as np

            count = len(list(pathlib.Path(folder).glob("out*.npy")))
            result["outputs"] = [np.load(f"{folder}/out{k}.npy") for k in range(count)]
        return result


def fma_peak(threads):
    """Multiply-adds that this machine does in a second on so many threads, in FLOP; None without heed-bench."""
    if not HEED_BENCH.exists():
        return None
    run = subprocess.run([HEED_BENCH, "--peak", "--threads", str(threads)], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)[str(threads)]["fma_flops"]


def save(arrays, folder):
    """The arrays as files of `folder`."""
    import numpy as np

    files = [f"{folder}/in{k}.npy" for k in range(len(arrays))]
    for file, array in zip(files, arrays):
        np.save(file, array)
    return files


# --- The peers: each maker gives a function without arguments that computes the outputs -------------------------------


def ort(path, arrays, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    feed = {port.name: array for port, array in zip(session.get_inputs(), arrays)}
    return lambda: session.run(None, feed)


def ov(path, arrays, threads):
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()
    return lambda: list(request.infer(arrays, share_inputs=True, share_outputs=True).values())


def iree_module(path):
    """The compiled module beside the model; compiled once."""
    compiled, text = f"{path}.vmfb", f"{path}.mlir"
    if not os.path.exists(compiled):
        tools = os.path.dirname(sys.executable)
        flags = ["--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu",
                 "--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"]
        for command in ([f"{tools}/iree-import-onnx", str(path), "--opset-version", "18", "-o", text],
                        [f"{tools}/iree-compile", text, "-o", f"{compiled}.part", *flags]):
            run = subprocess.run(command, capture_output=True, text=True)
            if run.returncode:
                raise RuntimeError(run.stderr.strip())
        os.replace(f"{compiled}.part", compiled)
    return compiled


def iree(path, arrays, threads):
    import iree.runtime as rt

    config = rt.Config("local-task" if threads > 1 else "local-sync")
    context = rt.SystemContext(config=config)
    context.add_vm_module(rt.VmModule.mmap(context.instance, iree_module(path)))
    module = context.modules.module
    names = module.vm_module.function_names
    entry = module[next(n for n in names if not n.startswith("__") and not n.endswith("$async"))]
    resident = [rt.asdevicearray(config.device, array) for array in arrays]

    def call():
        results = entry(*resident)
        return [r.to_host() for r in (results if isinstance(results, (tuple, list)) else [results])]

    return call


def eager(module, tensors, threads):
    import torch

    torch.set_num_threads(threads)
    return lambda: [module(*tensors).numpy()]


def torch_compile(module, tensors, threads):
    import torch

    torch.set_num_threads(threads)
    torch._dynamo.reset()
    compiled = torch.compile(module)
    compiled(*tensors)
    return lambda: [compiled(*tensors).numpy()]


ON_ONNX = {"ort": ort, "ov": ov, "iree": iree}
ON_TORCH = {"eager": eager, "compile": torch_compile}


# --- Timing -----------------------------------------------------------------------------------------------------------


def round_of(call, seconds):
    """One round: (best, median) of calls for about `seconds`, in ms. The first call, a warm-up, sets their number."""
    start = time.perf_counter()
    call()
    count = max(3, min(2000, int(seconds / max(time.perf_counter() - start, 1e-6))))
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return min(times), statistics.median(times)


class Engine:
    """One engine on one model: its rounds, or its error."""

    def __init__(self, name):
        self.name, self.rounds, self.outputs, self.setup_s, self.error = name, [], None, None, None

    def guard(self, action):
        """Runs the action unless the engine has failed; a failure becomes its row's text."""
        if self.error is None:
            try:
                return action()
            except Exception as problem:  # an engine may raise whatever it likes; the others go on
                self.error = str(problem)[-300:] or type(problem).__name__
        return None

    def result(self, expected, bound):
        if self.error is not None:
            return {"error": self.error}
        best, median = zip(*self.rounds)
        row = {"ms": statistics.median(best), "median_ms": statistics.median(median), "setup_s": self.setup_s}
        if expected is not None:
            row["error_of_bound"] = max(bound(y, e) for y, e in zip(self.outputs, expected))
        return row


class Peer(Engine):
    def __init__(self, name, make):
        super().__init__(name)
        self.guard(lambda: self.set_up(make))

    def set_up(self, make):
        start = time.perf_counter()
        self.call = make()
        self.outputs = self.call()
        self.setup_s = time.perf_counter() - start

    def round(self, seconds):
        self.rounds.append(round_of(self.call, seconds))


class HeedProcess(Engine):
    def __init__(self, name, path, files, threads, outputs):
        super().__init__(name)
        flags = ["--no-fuse"] if name == "unfused" else []
        self.run = lambda seconds: heed_bench(path, files, threads, flags, seconds, outputs)

    def round(self, seconds):
        result = self.run(seconds)
        self.outputs, self.setup_s = result.get("outputs"), result["compile_s"]
        self.rounds.append((result["min_ms"], result["median_ms"]))


@dataclasses.dataclass
class Timing:
    rounds: int = 3
    seconds: float = 0.2  # of each engine in each round


def compare(names, path, files, threads, timing, arrays=None, torch_model=None, expected=None, bound=None):
    """Engine -> {ms, median_ms, setup_s, error_of_bound} or {error}; `ms` is the median over rounds of each round's
    best call. Heed reads `files`, the peers have `arrays`, those of PyTorch `torch_model`, (module, tensors).
    bound(y, expected) is an error as a share of what is allowed."""
    makers = {n: (lambda m=m: m(path, arrays, threads)) for n, m in ON_ONNX.items()} if arrays is not None else {}
    if torch_model:
        makers |= {n: (lambda m=m: m(*torch_model, threads)) for n, m in ON_TORCH.items()}
    engines = [HeedProcess(n, path, files, threads, expected is not None) if n in HEED else Peer(n, makers[n])
               for n in names if n in HEED or n in makers]
    for _ in range(timing.rounds):
        for engine in engines:
            engine.guard(lambda: engine.round(timing.seconds))
    return {e.name: e.result(expected, bound) for e in engines}
