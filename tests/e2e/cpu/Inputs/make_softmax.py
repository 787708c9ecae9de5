#!/usr/bin/env python3
# make_softmax.py - inputs of softmax.mlir and what comes out, by the formula in doubles.   usage: make_softmax.py FOLDER
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import math
import random
import struct
import sys

folder = sys.argv[1]
numbers = random.Random(7)
inf, nan = math.inf, math.nan


def save(name, shape, values, code="f"):
    descr = {"f": "<f4", "e": "<f2"}[code]
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape!r}, }}".ljust(117) + "\n"
    with open(f"{folder}/{name}.npy", "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack(f"<{len(values)}{code}", *values))


def rounded(values, code="f"):
    """As the file holds them."""
    return list(struct.unpack(f"<{len(values)}{code}", struct.pack(f"<{len(values)}{code}", *values)))


def softmax(row):
    """NaN where a NaN or +inf is, or nothing but -inf: what exp(x - max) / sum comes to."""
    if any(math.isnan(x) for x in row) or max(row) in (inf, -inf):
        return [nan] * len(row)
    powers = [math.exp(x - max(row)) for x in row]
    return [p / math.fsum(powers) for p in powers]


def along(values, shape, axis):
    """The softmax of a row-major array along one of its dims."""
    inner = math.prod(shape[axis + 1:])
    result = list(values)
    for start in range(0, len(values), inner * shape[axis]):
        for column in range(start, start + inner):
            places = range(column, column + inner * shape[axis], inner)
            for place, y in zip(places, softmax([values[p] for p in places])):
                result[place] = y
    return result


# Three dims: no size is a multiple of a vector.
cube = (5, 7, 37)
x = rounded([numbers.uniform(-9, 9) for _ in range(math.prod(cube))])
save("cube", cube, x)
for axis in range(3):
    save(f"cube{axis}", cube, along(x, cube, axis))

# Rows of many vectors, and what is not a number in some.
rows = (9, 1003)
x = [numbers.gauss(0, 4) for _ in range(math.prod(rows))]
row = lambda i: i * rows[1]
for j in range(rows[1]):
    x[row(1) + j] = -inf  # nothing to attend to
    x[row(2) + j] -= 1e9  # far from zero: steps of 64
    x[row(3) + j] = -inf if j % 3 else x[row(3) + j]
    x[row(4) + j] = 3.25  # all the same
x[row(5) + 500] = nan
x[row(6) + 1002] = nan  # in the last, masked vector
x[row(7) + 3] = inf
x[row(8) + 1000] = 3e38  # and all others vanish
x = rounded(x)
save("rows", rows, x)
save("rows1", rows, along(x, rows, 1))

# As columns, and in half precision.
save("columns0", rows, along(x, rows, 0))
half = (6, 45)
x = rounded([numbers.uniform(-6, 6) for _ in range(math.prod(half))], "e")
save("half", half, x, "e")
for axis in range(2):
    save(f"half{axis}", half, along(x, half, axis), "e")
