#!/usr/bin/env python3
# make_gates.py - writes gates_blocked.onnx, its inputs and its outputs: gates of features in blocks of 16 and of 8 channels.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Needs numpy and onnx. The numbers are those of the formulas on [N, C, H, W], in doubles; not of the operators."""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

N, H, W = 3, 5, 6
HERE = pathlib.Path(__file__).parent
nodes, constants = [], []
rng = np.random.default_rng(11)


def const(name, value):
    constants.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def node(op, inputs, name, **attributes):
    nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
    return name


def weight(name, *shape):
    values = rng.uniform(-0.5, 0.5, shape).astype(np.float32)
    return const(name, values), values.astype(np.float64)


def reshape(x, name, *shape):
    return node("Reshape", [x, const(name + "_shape", np.array(shape, np.int64))], name)


def reduce(op, x, axes, name, keep):
    return node(op, [x, const(name + "_axes", np.array(axes, np.int64))], name, keepdims=keep)


def plain(x):
    """[N, C / b, H, W, b] -> [N, C, H, W], in doubles."""
    n, blocks, h, w, b = x.shape
    return x.astype(np.float64).transpose(0, 1, 4, 2, 3).reshape(n, blocks * b, h, w)


def blocked(y, b):
    n, c, h, w = y.shape
    return y.reshape(n, c // b, b, h, w).transpose(0, 1, 3, 4, 2).astype(np.float32)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def convolve(x, k):
    """x: [N, C, H, W], k: [1, C, 3, 3] with a padding of 1; -> [N, 1, H, W]"""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, k)


def squeeze_excite(x, value, b, name):
    """Two layers on the channels as one dimension, as products."""
    c = value.shape[1]
    (w1, a), (w2, d), (bias, e) = weight(name + "_w1", c, 6), weight(name + "_w2", 6, c), weight(name + "_b", c)
    p = reshape(reduce("ReduceMean", x, [2, 3], name + "_mean", 0), name + "_flat", N, c)
    h = node("Relu", [node("MatMul", [p, w1], name + "_down")], name + "_relu")
    z = node("Add", [node("MatMul", [h, w2], name + "_up"), bias], name + "_biased")
    g = reshape(node("Sigmoid", [z], name + "_sigmoid"), name + "_gate", N, c // b, 1, 1, b)
    scale = sigmoid(np.maximum(value.mean((2, 3)) @ a, 0) @ d + e)
    return node("Mul", [x, g], name), blocked(value * scale[:, :, None, None], b)


def squeeze_convolve(x, value, b, name):
    """The same by 1x1 convolutions."""
    c = value.shape[1]
    (w1, a), (w2, d) = weight(name + "_w1", 6, c, 1, 1), weight(name + "_w2", c, 6, 1, 1)
    p = reshape(reduce("ReduceMean", x, [2, 3], name + "_mean", 1), name + "_flat", N, c, 1, 1)
    h = node("Relu", [node("Conv", [p, w1], name + "_down")], name + "_relu")
    g = node("Sigmoid", [node("Conv", [h, w2], name + "_up")], name + "_sigmoid")
    g = reshape(g, name + "_gate", N, c // b, 1, 1, b)
    scale = sigmoid(np.maximum(value.mean((2, 3)) @ a[:, :, 0, 0].T, 0) @ d[:, :, 0, 0].T)
    return node("Mul", [x, g], name), blocked(value * scale[:, :, None, None], b)


def efficient(x, value, b, name):
    """ECA, in place: its x is made inside."""
    c = value.shape[1]
    w, taps = weight(name + "_w", 1, 1, 3)
    x, value = node("Relu", [x], name + "_x"), np.maximum(value, 0)
    p = reshape(reduce("ReduceMean", x, [2, 3], name + "_mean", 0), name + "_flat", N, 1, c)
    g = node("Sigmoid", [node("Conv", [p, w], name + "_conv", pads=[1, 1])], name + "_sigmoid")
    g = reshape(g, name + "_gate", N, c // b, 1, 1, b)
    padded = np.pad(value.mean((2, 3)), ((0, 0), (1, 1)))
    scale = sigmoid(sum(padded[:, k:k + c] * taps[0, 0, k] for k in range(3)))
    return node("Mul", [g, x], name), blocked(value * scale[:, :, None, None], b)


def cbam(x, value, b, name):
    c = value.shape[1]
    (w1, a), (w2, d), (k, taps) = weight(name + "_w1", c, 6), weight(name + "_w2", 6, c), weight(name + "_k", 1, 2, 3, 3)

    def excite(op, pool):
        p = reshape(reduce(op, x, [2, 3], name + pool, 0), name + pool + "_flat", N, c)
        h = node("Relu", [node("MatMul", [p, w1], name + pool + "_down")], name + pool + "_relu")
        return node("MatMul", [h, w2], name + pool + "_up")

    z = node("Add", [excite("ReduceMean", "_mean"), excite("ReduceMax", "_max")], name + "_sum")
    g = reshape(node("Sigmoid", [z], name + "_channel"), name + "_gate", N, c // b, 1, 1, b)
    y = node("Mul", [x, g], name + "_scaled")
    maps = [reshape(reduce(op, y, [1, 4], name + pool, 1), name + pool + "_map", N, 1, H, W)
            for op, pool in (("ReduceMean", "_mean2"), ("ReduceMax", "_max2"))]
    m = node("Conv", [node("Concat", maps, name + "_both", axis=1), k], name + "_conv", pads=[1, 1, 1, 1])
    m = reshape(node("Sigmoid", [m], name + "_spatial"), name + "_place", N, 1, H, W, 1)
    layers = lambda p: np.maximum(p @ a, 0) @ d
    value = value * sigmoid(layers(value.mean((2, 3))) + layers(value.max((2, 3))))[:, :, None, None]
    both = np.concatenate([value.mean(1, keepdims=True), value.max(1, keepdims=True)], 1)
    return node("Mul", [y, m], name), blocked(value * sigmoid(convolve(both, taps)), b)


def main():
    inputs = {"x16": rng.uniform(-1, 2, (N, 2, H, W, 16)).astype(np.float32),
              "x8": rng.uniform(-1, 2, (N, 3, H, W, 8)).astype(np.float32)}
    outputs = []
    for name, make, x, b in (("se16", squeeze_excite, "x16", 16), ("se8", squeeze_convolve, "x8", 8), ("eca16", efficient, "x16", 16),
                             ("eca8", efficient, "x8", 8), ("cbam16", cbam, "x16", 16), ("cbam8", cbam, "x8", 8)):
        outputs.append(make(x, plain(inputs[x]), b, name))
    ports = lambda named: [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in named]
    graph = helper.make_graph(nodes, "gates_blocked", ports(inputs.items()), ports(outputs), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, HERE / "gates_blocked.onnx")
    for k, value in enumerate(inputs.values()):
        np.save(HERE / f"gates_blocked.in{k}.npy", value)
    for k, (_, value) in enumerate(outputs):
        np.save(HERE / f"gates_blocked.out{k}.npy", value)


if __name__ == "__main__":
    main()
