"""Elements of tensors as bytes: at random, as doubles, and in .npy files; without NumPy."""
import array
import ast
import random
import struct

BYTES = {"f32": 4, "bf16": 2, "f16": 2, "i1": 1, "i64": 8}
CODES = {"f32": "<f4", "bf16": "|V2", "f16": "<f2", "i1": "|b1", "i64": "<i8"}
# Of the last of a number's bytes: sign and exponent of numbers from 0.125 to 2.
HIGH = {"f32": 0x3E, "bf16": 0x3E, "f16": 0x30}
STEPS = {"f32": 1, "bf16": 1, "f16": 0xF}
PERIOD = 100003  # a prime: no two rows are equal


def draw(element, count, seed):
    """Numbers of both signs between 0.125 and 2, which repeat after PERIOD; of i1 two of three are true, i64 are lengths."""
    generator = random.Random(seed)
    period = min(count, PERIOD)
    if element == "i1":
        tile = bytes(generator.randrange(3) > 0 for _ in range(period))
    elif element == "i64":
        tile = struct.pack(f"<{period}q", *(generator.randrange(1, 200) for _ in range(period)))
    else:
        size = BYTES[element]
        tile = bytearray(generator.randbytes(size * period))
        high = bytes((b & 0x80) | HIGH[element] | (b & STEPS[element]) for b in range(256))
        tile[size - 1::size] = tile[size - 1::size].translate(high)
    total = BYTES[element] * count
    return (bytes(tile) * (total // max(1, len(tile)) + 1))[:total]


def floats(element, data, first, count):
    """Elements as Python's numbers."""
    size = BYTES[element]
    part = data[size * first:size * (first + count)]
    if element == "f32":
        return array.array("f", part)
    if element == "bf16":  # the upper half of an f32
        return array.array("f", array.array("I", (half << 16 for half in array.array("H", part))).tobytes())
    return struct.unpack(f"<{count}" + {"f16": "e", "i1": "?", "i64": "q"}[element], part)


def widened(element, count, seed):
    """The same numbers as draw's, those of 16 bits as f32: (element, bytes)."""
    data = draw(element, count, seed)
    if element not in ("bf16", "f16"):
        return element, data
    period = min(count, PERIOD)
    tile = array.array("f", floats(element, data, 0, period)).tobytes()
    return "f32", (tile * (count // max(1, period) + 1))[:4 * count]


def write_npy(path, element, shape, data):
    """Format 1.0; bf16 is V2, as ml_dtypes writes it."""
    header = repr({"descr": CODES[element], "fortran_order": False, "shape": tuple(shape)}).encode()
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)


def read_npy(path):
    """(element, shape, bytes)"""
    content = path.read_bytes()
    if content[:6] != b"\x93NUMPY":
        raise ValueError(f"{path}: expected a .npy file")
    size = 2 if content[6] == 1 else 4
    end = 8 + size + int.from_bytes(content[8:8 + size], "little")
    header = ast.literal_eval(content[8 + size:end].decode())
    elements = [element for element, code in CODES.items() if code == header["descr"]]
    if not elements or header["fortran_order"]:
        raise ValueError(f"{path}: expected row-major elements of {', '.join(CODES)}, got {header['descr']}")
    return elements[0], header["shape"], content[end:]
