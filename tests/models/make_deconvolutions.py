#!/usr/bin/env python3
# make_deconvolutions.py - writes deconvolutions.onnx, its input and its outputs: transposed convolutions without overlap.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""To one, two and nine channels, as at the end of a segmentation network. Needs numpy, onnx and onnxruntime, whose
numbers are expected."""
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
random = np.random.default_rng(7)
weights = {"w1": (5, 1, 2, 2), "b1": (1,), "w2": (5, 2, 3, 2), "b2": (2,), "c2": (4, 2, 1, 1), "w9": (5, 9, 2, 2)}
nodes = [
    helper.make_node("ConvTranspose", ["x", "w1", "b1"], ["t1"], strides=[2, 2]),
    helper.make_node("Sigmoid", ["t1"], ["one"]),
    helper.make_node("ConvTranspose", ["x", "w2", "b2"], ["t2"], strides=[3, 2]),
    helper.make_node("Relu", ["t2"], ["r2"]),
    helper.make_node("Conv", ["r2", "c2"], ["two"]),
    helper.make_node("ConvTranspose", ["x", "w9"], ["nine"], strides=[2, 2]),
]
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph(
    nodes, "deconvolutions", [value("x", ["n", 5, "h", "w"])],
    [value("one", ["n", 1, None, None]), value("two", ["n", 4, None, None]), value("nine", ["n", 9, None, None])],
    [numpy_helper.from_array(random.standard_normal(shape, np.float32), name) for name, shape in weights.items()])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
path = HERE / "deconvolutions.onnx"
onnx.save(model, path)
x = random.standard_normal((2, 5, 4, 7), np.float32)
np.save(HERE / "deconvolutions.in0.npy", x)
session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
for k, output in enumerate(session.run(None, {"x": x})):
    np.save(HERE / f"deconvolutions.out{k}.npy", output)
