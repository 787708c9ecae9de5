"""A model's kernels on the device, by the index that `heed-compile --target cuda` writes beside them."""
import ctypes
import json

from .driver import CudaError

INTEGERS = {"i1": ctypes.c_uint8, "i8": ctypes.c_int8, "i16": ctypes.c_int16, "i32": ctypes.c_int32, "i64": ctypes.c_int64}


class Program:
    def __init__(self, driver, folder):
        self.driver, self.folder = driver, folder
        self.index = json.loads((folder / "kernels.json").read_text())
        self.buffers, self.launches = self.index["buffers"], self.index["launches"]
        self.inputs = [n for n, buffer in enumerate(self.buffers) if buffer["kind"] == "input"]
        self.outputs = self.index["outputs"]
        self.refuse()
        self.module = driver.load((folder / self.index["file"]).read_bytes() + b"\0")
        self.functions = [driver.function(self.module, launch["kernel"], launch["shared_bytes"]) for launch in self.launches]

    def refuse(self):
        """What is no list of launches on inputs, outputs and scratch memory cannot be started from here."""
        def fail(why):
            raise CudaError(f"{self.folder}: expected a program of launches alone, got {why}")

        for block in self.index["kept"]:
            fail(f"{block['op']} without a kernel: {block['reason']}")
        if self.index["host"]:
            fail("on the host: " + ", ".join(self.index["host"]))
        if any(buffer["kind"] == "constant" or buffer["bytes"] is None for buffer in self.buffers):
            fail("a constant, or a size that is known at run time")
        for launch in self.launches:
            if None in launch["grid"]:
                fail(f"a grid that is known at run time: {launch['kernel']}")
            for parameter in launch["parameters"]:
                place = "buffer" if "buffer" in parameter else "value"
                if parameter[place] is None or None in parameter.get("sizes", []) + parameter.get("strides", []):
                    fail(f"a parameter that is known at run time: {launch['kernel']}")

    def allocate(self):
        """Memory of its own for each buffer."""
        return [self.driver.allocate(max(1, buffer["bytes"])) for buffer in self.buffers]

    def unload(self):
        self.driver.cuModuleUnload(self.module)

    def bind(self, memory):
        """The program on these buffers: a function that starts it."""
        kept, calls = [], []
        for function, launch in zip(self.functions, self.launches):
            values = [self.argument(parameter, memory) for parameter in launch["parameters"]]
            kept.append(values)
            addresses = (ctypes.c_void_p * len(values))(*[address for address, _ in values])
            calls.append((function, launch["grid"], launch["threads"], launch["shared_bytes"], addresses))

        def start():
            for call in calls:
                self.driver.launch(*call)

        start.kept = kept  # what the addresses are of
        return start

    def argument(self, parameter, memory):
        """The address of a parameter's value, and what holds it."""
        if "value" in parameter:
            value = INTEGERS[parameter["type"]](parameter["value"])
            return ctypes.addressof(value), value
        place = memory[parameter["buffer"]].value + parameter["offset"]
        if parameter["type"] == "pointer":
            value = ctypes.c_uint64(place)
            return ctypes.addressof(value), value
        holder = ctypes.create_string_buffer(128 + 64)
        address = (ctypes.addressof(holder) + 63) // 64 * 64
        self.driver.tensor_map(address, place, parameter["element"] == "bf16", parameter["sizes"], parameter["strides"],
                               parameter["box"])
        return address, holder

    def schedule(self):
        """How the program computes, in a word or two."""
        if any(parameter["type"] == "tensor map" for launch in self.launches for parameter in launch["parameters"]):
            return "wgmma"
        kernels = [launch["kernel"] for launch in self.launches]
        if any(kernel.startswith("sdpa") for kernel in kernels):
            return "mma.sync"
        if any(kernel.startswith("gate_cluster") for kernel in kernels):
            return "cluster"
        return f"{len(kernels)} launch" + ("es" if len(kernels) > 1 else "")


def runs_on(chip, form, capability):
    """Whether an image for a chip runs on a device: a cubin within its generation, PTX on all later ones, sm_90a on 9.0 alone."""
    number = int(chip.removeprefix("sm_").rstrip("a"))
    if chip.endswith("a"):
        return capability == number
    return capability >= number and (form in ("ptx", "mlir") or capability // 10 == number // 10)
