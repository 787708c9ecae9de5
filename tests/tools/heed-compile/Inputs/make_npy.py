#!/usr/bin/env python3
# make_npy.py - a float32 array of the given sizes.   usage: make_npy.py FILE SIZE...
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import math
import random
import struct
import sys

shape = tuple(int(size) for size in sys.argv[2:])
count = math.prod(shape)
numbers = random.Random(1)
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}"
header = header.ljust(117) + "\n"
with open(sys.argv[1], "wb") as f:
    f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    f.write(struct.pack(f"<{count}f", *(numbers.uniform(-1, 1) for _ in range(count))))
