# lit.cfg.py - how lit finds the tools and the tests.
import ctypes
import os
import sys
import lit.formats

config.name = "heed"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "models", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.heed_binary_dir, "tests", "lit")
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.heed_binary_dir, "bin"), config.llvm_tools_dir, os.environ["PATH"]]
)
# Two tests share two cores: a worker that waits sleeps instead of spinning.
config.environment["OMP_WAIT_POLICY"] = "passive"
config.environment["FILECHECK_OPTS"] = "--dump-input=fail --allow-unused-prefixes=false"
# Programs on compiled models: strict C11 and C++17, nothing of Heed but its runtime.
sanitize = f" -fsanitize={config.sanitize}" if config.sanitize else ""
if config.sanitize:
    config.available_features.add("sanitize")
warnings = " -Wall -Wextra -Werror -pedantic" + sanitize
libraries = os.path.join(config.heed_binary_dir, "lib")
config.substitutions.append(("%cc11", config.c_compiler + " -std=c11" + warnings))
config.substitutions.append(("%cxx17", config.cxx_compiler + " -std=c++17" + warnings))
config.substitutions.append(("%build", config.heed_binary_dir))
config.substitutions.append(("%cmake_c", f"-DCMAKE_C_COMPILER={config.c_compiler} '-DCMAKE_C_FLAGS={sanitize}'"))
config.substitutions.append(("%runtime", f"-L{libraries} -lheed_runtime -Wl,-rpath,{libraries}"))
# The trained classifier, where `dev models` has fetched it.
classifier = os.path.join(config.heed_source_dir, ".cache", "models", "ppocrv4_cls.onnx")
config.substitutions.append(("%classifier", classifier))
if os.path.exists(classifier):
    config.available_features.add("classifier")
config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%bench", os.path.join(config.heed_source_dir, "bench")))
config.substitutions.append(("%models", os.path.join(config.test_source_root, "models")))
config.substitutions.append(("%plugin", os.path.join(config.heed_binary_dir, "lib", "HeedPlugin.so")))
# GPU tests run on a GPU where there is one, else in the emulated driver, which reads kernels as MLIR.
driver = os.path.join(config.heed_binary_dir, "lib", "libheed_fake_cuda.so")
fake = "env " + " ".join(f"{name}={driver}" for name in ("HEED_CUDA_DRIVER", "HEED_CUBLASLT", "HEED_CUDNN"))
config.substitutions.append(("%fake-cuda", fake))


def has_gpu():
    try:
        library = ctypes.CDLL("libcuda.so.1")
        count = ctypes.c_int()
        return library.cuInit(0) == 0 and library.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0
    except OSError:
        return False


if has_gpu():
    config.available_features.add("cuda")
    config.substitutions.append(("%gpu-run", "heed-run --device cuda"))
else:
    config.environment.update(HEED_CUBLASLT=driver, HEED_CUDNN=driver)  # tests may name others
    config.substitutions.append(("%gpu-run", f"env HEED_CUDA_DRIVER={driver} heed-run --device cuda --format mlir"))
# Built only where Google Benchmark is installed.
if os.path.exists(os.path.join(config.heed_binary_dir, "bin", "heed-bench")):
    config.available_features.add("heed-bench")
