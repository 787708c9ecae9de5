#!/usr/bin/env python3
# make_ropes.py - writes ropes.onnx, its input and its outputs: rotary embeddings as exporters and ONNX spell them.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Needs numpy and onnx. The numbers are those of the formula, in doubles; not of the operators."""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

B, S, H, D = 2, 7, 3, 24
R = 10  # of the partial ones
HERE = pathlib.Path(__file__).parent
nodes, constants = [], []
rng = np.random.default_rng(5)


def const(name, value):
    constants.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def node(op, inputs, name, domain="", **attributes):
    nodes.append(helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes))
    return name


def cut(x, begin, end, name, step=1, axis=3):
    limits = [const(f"{name}_{k}", np.array([v], np.int64)) for k, v in
              (("begin", begin), ("end", end), ("axis", axis), ("step", step))]
    return node("Slice", [x, *limits], name)


def turn(x, angles, interleaved):
    """x[..., s, d] turned by angles[s, pairs]; what is beyond the pairs passes through."""
    pairs = angles.shape[-1]
    y = x.astype(np.float64)
    a, b = (slice(0, 2 * pairs, 2), slice(1, 2 * pairs, 2)) if interleaved else (
        slice(0, pairs), slice(pairs, 2 * pairs))
    first, second = y[..., a].copy(), y[..., b].copy()
    y[..., a] = first * np.cos(angles) - second * np.sin(angles)
    y[..., b] = second * np.cos(angles) + first * np.sin(angles)
    return y.astype(np.float32)


def angles_of(pairs, rows=S):
    return rng.uniform(-3, 3, (rows, pairs)).astype(np.float32)


def table(name, angles, function, repeat=None):
    values = function(angles.astype(np.float64))
    if repeat == "halves":
        values = np.concatenate([values, values], -1)
    if repeat == "neighbours":
        values = np.repeat(values, 2, -1)
    return const(name, values.astype(np.float32))


def halves(x, size, angles, name):
    """x·cos + concat(−x2, x1)·sin, as Hugging Face's models."""
    first, second = cut(x, 0, size // 2, name + "_first"), cut(x, size // 2, size, name + "_second")
    other = node("Concat", [node("Neg", [second], name + "_neg"), first], name, axis=3)
    straight = node("Mul", [x, table(name + "_cos", angles, np.cos, "halves")], name + "_straight")
    cross = node("Mul", [other, table(name + "_sin", angles, np.sin, "halves")], name + "_cross")
    return node("Add", [straight, cross], name + "_sum")


x = rng.standard_normal((B, S, H * D)).astype(np.float32)
heads = node("Reshape", ["x", const("heads_shape", np.array([B, S, H, D], np.int64))], "heads")
q = node("Transpose", [heads], "q", perm=[0, 2, 1, 3])
q_numbers = x.reshape(B, S, H, D).transpose(0, 2, 1, 3)
outputs = []

half_angles = angles_of(D // 2)
outputs.append((halves(q, D, half_angles, "half_split"), turn(q_numbers, half_angles, False)))

# GPT-J: every second element, stacked.
angles = angles_of(D // 2)
even, odd = cut(q, 0, D, "even", 2), cut(q, 1, D, "odd", 2)
last = const("last", np.array([-1], np.int64))
stacked = node("Concat", [node("Unsqueeze", [node("Neg", [odd], "odd_neg"), last], "odd_apart"),
                          node("Unsqueeze", [even, last], "even_apart")], "interleaved", axis=4)
other = node("Reshape", [stacked, const("q_shape", np.array([B, H, S, D], np.int64))], "interleaved_flat")
straight = node("Mul", [q, table("interleaved_cos", angles, np.cos, "neighbours")], "interleaved_straight")
cross = node("Mul", [other, table("interleaved_sin", angles, np.sin, "neighbours")], "interleaved_cross")
outputs.append((node("Add", [straight, cross], "interleaved_sum"), turn(q_numbers, angles, True)))

# GPT-NeoX: the first R elements.
angles = angles_of(R // 2)
turned = halves(cut(q, 0, R, "rotated"), R, angles, "partial")
outputs.append((node("Concat", [turned, cut(q, R, D, "passed")], "partial_whole", axis=3),
                turn(q_numbers, angles, False)))

# The operators: caches by position ids, and by element.
angles = angles_of(R // 2, 11)
ids = rng.integers(0, 11, (B, S)).astype(np.int64)
cache = [table("cache_cos", angles, np.cos), table("cache_sin", angles, np.sin)]
outputs.append((node("RotaryEmbedding", [q, *cache, const("ids", ids)], "operator", interleaved=1,
                     rotary_embedding_dim=R), turn(q_numbers, angles[ids][:, None], True)))
angles = angles_of(D // 2, 11)
cache = [table("contrib_cos", angles, np.cos), table("contrib_sin", angles, np.sin)]
outputs.append((node("RotaryEmbedding", ["x", const("from", np.array([3], np.int64)), *cache], "contrib",
                     "com.microsoft", num_heads=H),
                turn(q_numbers, angles[3:3 + S], False).transpose(0, 2, 1, 3).reshape(B, S, H * D)))

graph = helper.make_graph(
    nodes, "ropes", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
    [helper.make_tensor_value_info(name, TensorProto.FLOAT, numbers.shape) for name, numbers in outputs], constants)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)],
                          ir_version=10, producer_name="")
onnx.save(model, HERE / "ropes.onnx")
np.save(HERE / "ropes.in0.npy", x)
for i, (_, numbers) in enumerate(outputs):
    np.save(HERE / f"ropes.out{i}.npy", numbers)
