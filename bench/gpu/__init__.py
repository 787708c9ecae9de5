"""The parts of bench/gpu.py. Python and CUDA's driver are enough to run them on a machine with a GPU: no package, no toolkit."""
