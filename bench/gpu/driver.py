"""CUDA's driver by ctypes: memory, modules, launches, graphs and events."""
import ctypes
import os

# FLOP of dense bf16 products with sums in f32, a clock and multiprocessor, by compute capability (NVIDIA's architecture
# white papers).
PEAK = {80: 2048, 86: 512, 87: 1024, 89: 512, 90: 4096, 100: 8192, 120: 1024}
CLOCK_KHZ, MULTIPROCESSORS, L2_BYTES, MAJOR, MINOR = 13, 16, 38, 75, 76  # CUdevice_attribute
MAX_DYNAMIC_SHARED = 8  # CUfunction_attribute
NON_BLOCKING = 1  # CUstream_flags
THREAD_LOCAL = 1  # CUstreamCaptureMode


class CudaError(Exception):
    """A call that failed: its name, and CUDA's name of the error."""


class Driver:
    """The first device and a stream of it. A failed call raises CudaError."""

    def __init__(self):
        try:
            self.library = ctypes.CDLL(os.environ.get("HEED_CUDA_DRIVER", "libcuda.so.1"))
        except OSError as error:
            raise CudaError(f"no CUDA driver: {error}") from None
        self.cuInit(0)
        self.device, self.context = ctypes.c_int(), ctypes.c_void_p()
        self.cuDeviceGet(ctypes.byref(self.device), 0)
        self.cuDevicePrimaryCtxRetain(ctypes.byref(self.context), self.device)
        self.cuCtxSetCurrent(self.context)
        self.stream = ctypes.c_void_p()
        self.cuStreamCreate(ctypes.byref(self.stream), NON_BLOCKING)

    def __getattr__(self, name):
        try:
            function = getattr(self.library, name)
        except AttributeError:
            raise CudaError(f"expected a driver with {name}") from None

        def call(*arguments):
            if code := function(*arguments):
                text = ctypes.c_char_p()
                self.library.cuGetErrorName(code, ctypes.byref(text))
                raise CudaError(f"{name}: {text.value.decode() if text.value else code}")

        return call

    def attribute(self, number):
        value = ctypes.c_int()
        self.cuDeviceGetAttribute(ctypes.byref(value), number, self.device)
        return value.value

    def info(self):
        text = ctypes.create_string_buffer(256)
        self.cuDeviceGetName(text, 256, self.device)
        capability = self.attribute(MAJOR) * 10 + self.attribute(MINOR)
        known = max((c for c in PEAK if c <= capability and c // 10 == capability // 10), default=None)
        peak = PEAK[known] * self.attribute(MULTIPROCESSORS) * self.attribute(CLOCK_KHZ) * 1e3 / 1e12 if known else None
        return {"name": text.value.decode(), "capability": capability, "peak_tflops": peak, "l2_bytes": self.attribute(L2_BYTES)}

    def allocate(self, size):
        """A CUdeviceptr. What is to be freed is passed to `free`."""
        pointer = ctypes.c_uint64()
        self.cuMemAlloc_v2(ctypes.byref(pointer), ctypes.c_size_t(size))
        return pointer

    def free(self, pointer):
        self.cuMemFree_v2(pointer)

    def write(self, pointer, data):
        self.cuMemcpyHtoDAsync_v2(pointer, data, ctypes.c_size_t(len(data)), self.stream)
        self.wait()

    def read(self, pointer, size):
        data = ctypes.create_string_buffer(size)
        self.cuMemcpyDtoHAsync_v2(data, pointer, ctypes.c_size_t(size), self.stream)
        self.wait()
        return data.raw

    def copy(self, to, source, size):
        self.cuMemcpyDtoDAsync_v2(to, source, ctypes.c_size_t(size), self.stream)

    def wait(self):
        self.cuStreamSynchronize(self.stream)

    def load(self, image):
        module = ctypes.c_void_p()
        self.cuModuleLoadDataEx(ctypes.byref(module), image, 0, None, None)
        return module

    def function(self, module, name, shared_bytes):
        function = ctypes.c_void_p()
        self.cuModuleGetFunction(ctypes.byref(function), module, name.encode())
        self.cuFuncSetAttribute(function, MAX_DYNAMIC_SHARED, shared_bytes)
        return function

    def launch(self, function, grid, threads, shared_bytes, parameters):
        self.cuLaunchKernel(function, *grid, threads, 1, 1, shared_bytes, self.stream, parameters, None)

    def tensor_map(self, memory, pointer, is_bf16, sizes, strides, box):
        """CUtensorMap: boxes of a tensor of 2-byte elements are copied by TMA, in rows of 128 bytes that are swizzled. Dims from
        the outermost, strides in elements; `memory` has 128 bytes, at a multiple of 64."""
        rank = len(sizes)
        bf16, f16, no_interleave, swizzle_128, promote_256, zeros = 9, 6, 0, 3, 3, 0
        bytes_of = [2 * stride for stride in strides[-2::-1]]
        self.cuTensorMapEncodeTiled(
            ctypes.c_void_p(memory), bf16 if is_bf16 else f16, rank, ctypes.c_void_p(pointer),
            (ctypes.c_uint64 * rank)(*reversed(sizes)), (ctypes.c_uint64 * (rank - 1))(*bytes_of),
            (ctypes.c_uint32 * rank)(*reversed(box)), (ctypes.c_uint32 * rank)(*[1] * rank), no_interleave, swizzle_128,
            promote_256, zeros)

    def capture(self, body):
        """What `body` starts on the stream, as a graph that `replay` starts."""
        self.cuStreamBeginCapture_v2(self.stream, THREAD_LOCAL)
        body()
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self.cuStreamEndCapture(self.stream, ctypes.byref(graph))
        self.cuGraphInstantiateWithFlags(ctypes.byref(executable), graph, ctypes.c_uint64(0))
        self.cuGraphDestroy(graph)
        return executable

    def replay(self, executable):
        self.cuGraphLaunch(executable, self.stream)

    def forget(self, executable):
        self.cuGraphExecDestroy(executable)

    def seconds(self, body):
        """Of what `body` starts, between two events on the stream."""
        begin, end, milliseconds = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_float()
        for event in (begin, end):
            self.cuEventCreate(ctypes.byref(event), 0)
        self.cuEventRecord(begin, self.stream)
        body()
        self.cuEventRecord(end, self.stream)
        self.wait()
        self.cuEventElapsedTime(ctypes.byref(milliseconds), begin, end)
        for event in (begin, end):
            self.cuEventDestroy_v2(event)
        return milliseconds.value / 1e3
