#!/usr/bin/env python3
"""Prints the text that PP-OCRv4's recogniser read: greedy CTC decoding of its output.

usage: read_text.py MODEL.onnx OUTPUT.npy
Output: float32 [1, steps, classes]; class 0 is the blank, then come the lines of the model's metadata entry
`character`, last a space (Graves et al., 2006: repeats merge, then blanks go).
"""
import array
import ast
import sys


def fields(data):
    """The (number, value) pairs of a protobuf message; values are ints or byte strings."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        size = varint() if kind == 2 else 8 if kind == 1 else 4
        yield key >> 3, data[position : position + size]
        position += size


def characters(path):
    for number, entry in fields(memoryview(open(path, "rb").read())):
        if number == 14:  # ModelProto.metadata_props
            pair = dict(fields(entry))
            if bytes(pair[1]) == b"character":
                return bytes(pair[2]).decode().split("\n")
    sys.exit(f"{path}: no metadata entry 'character'")


def read_npy(path):
    data = open(path, "rb").read()
    size = int.from_bytes(data[8:10], "little")
    shape = ast.literal_eval(data[10 : 10 + size].decode())["shape"]
    return shape, array.array("f", data[10 + size :])


def main():
    classes = ["", *characters(sys.argv[1]), " "]
    (_, steps, width), values = read_npy(sys.argv[2])
    text, last = "", 0
    for step in range(steps):
        row = values[step * width : (step + 1) * width]
        best = max(range(width), key=row.__getitem__)
        if best != last and best != 0:
            text += classes[best]
        last = best
    print(text)


if __name__ == "__main__":
    main()
