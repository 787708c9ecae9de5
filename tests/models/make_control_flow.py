#!/usr/bin/env python3
# make_control_flow.py - writes control_flow.onnx, its inputs and its outputs: If, Loop and Scan that only a run can decide.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Needs numpy and onnx. The numbers are those of the loops in numpy; not of the operators."""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
FLOAT, INT, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
rng = np.random.default_rng(7)
x = rng.standard_normal((5, 4)).astype(np.float32)
flag, trips, limit = np.array(False), np.array(9, np.int64), np.array(40.0, np.float32)
w = (rng.standard_normal((4, 4)) / 3).astype(np.float32)


def value(name, kind=FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def graph(nodes, inputs, outputs, constants=()):
    return helper.make_graph(nodes, "body", inputs, outputs, [numpy_helper.from_array(v, k) for k, v in constants])


node = helper.make_node
nodes, expected = [], []

# 0: both branches have their own sizes: [5, 4] or [2, 4].
nodes.append(node("If", ["flag"], ["chosen"],
                  then_branch=graph([node("Exp", ["x"], ["a"])], [], [value("a")]),
                  else_branch=graph([node("Slice", ["x", "one", "three", "zero"], ["s"]), node("Tanh", ["s"], ["b"])], [], [value("b")],
                                    [(k, np.array([v], np.int64)) for k, v in (("zero", 0), ("one", 1), ("three", 3))])))
expected.append(np.tanh(x[1:3]))

# 1, 2: a number of iterations from the input; rows of each, and a carried value that reads the one before.
body = graph([node("MatMul", ["h", "w"], ["hw"]), node("Tanh", ["hw"], ["next"]),
              node("ReduceSum", ["next"], ["row"], keepdims=0), node("Identity", ["go"], ["goes"])],
             [value("i", INT, []), value("go", BOOL, []), value("h", FLOAT, [5, 4])],
             [value("goes", BOOL), value("next"), value("row")])
nodes.append(node("Loop", ["trips", "", "x"], ["last", "sums"], body=body))
h, rows = x.astype(np.float64), []
for _ in range(int(trips)):
    h = np.tanh(h @ w)
    rows.append(h.sum())
expected += [h, np.array(rows)]

# 3, 4: as long as the sum is small; how many iterations nobody knows.
body = graph([node("Mul", ["v", "factor"], ["next"]), node("Add", ["n", "one"], ["count"]), node("Abs", ["next"], ["abs"]),
              node("ReduceSum", ["abs"], ["sum"], keepdims=0), node("Less", ["sum", "limit"], ["goes"]),
              node("Identity", ["sum"], ["row"])],
             [value("i", INT, []), value("go", BOOL, []), value("v", FLOAT, [5, 4]), value("n", INT, [])],
             [value("goes", BOOL), value("next"), value("count", INT), value("row")],
             [("factor", np.array(1.25, np.float32)), ("one", np.array(1, np.int64))])
nodes.append(node("Loop", ["", "yes", "x", "zero_count"], ["grown", "count", "history"], body=body))
v, n, history = x.astype(np.float64), 0, []
while True:
    v, n = v * 1.25, n + 1
    history.append(np.abs(v).sum())
    if not history[-1] < limit:
        break
expected += [v, np.array(n, np.int64), np.array(history)]

# 6: a carried value that grows by a row each time.
body = graph([node("Slice", ["all", "minus", "end", "axis"], ["row"]), node("Mul", ["row", "half"], ["new"]),
              node("Concat", ["all", "new"], ["longer"], axis=0), node("Identity", ["go"], ["goes"])],
             [value("i", INT, []), value("go", BOOL, []), value("all", FLOAT, [None, 4])],
             [value("goes", BOOL), value("longer")],
             [("minus", np.array([-1], np.int64)), ("end", np.array([2**31], np.int64)), ("axis", np.array([0], np.int64)),
              ("half", np.array(0.5, np.float32))])
nodes.append(node("Loop", ["trips", "", "x"], ["table"], body=body))
table = x
for _ in range(int(trips)):
    table = np.concatenate([table, table[-1:] * np.float32(0.5)])
expected.append(table)

# 7, 8: Scan over the columns, backwards; the rows become columns again.
body = graph([node("Add", ["state", "column"], ["sum"]), node("Identity", ["sum"], ["out"])],
             [value("state", FLOAT, [5]), value("column", FLOAT, [5])], [value("sum"), value("out")])
nodes.append(node("Scan", ["start", "x"], ["total", "running"], body=body, num_scan_inputs=1, scan_input_axes=[1],
                  scan_input_directions=[1], scan_output_axes=[1], scan_output_directions=[1]))
expected += [x.sum(1), np.cumsum(x[:, ::-1], 1)[:, ::-1]]

outputs = ["chosen", "last", "sums", "grown", "count", "history", "table", "total", "running"]
model = helper.make_model(
    helper.make_graph(nodes, "control_flow",
                      [value("x", FLOAT, ["rows", 4]), value("flag", BOOL, []), value("trips", INT, []), value("limit", FLOAT, [])],
                      [value(name, INT if name == "count" else FLOAT) for name in outputs],
                      [numpy_helper.from_array(v, k) for k, v in
                       (("w", w), ("yes", np.array(True)), ("zero_count", np.array(0, np.int64)), ("start", np.zeros(5, np.float32)))]),
    opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
onnx.save(model, HERE / "control_flow.onnx")
for i, array in enumerate((x, flag, trips, limit)):
    np.save(HERE / f"control_flow.in{i}.npy", array)
for i, array in enumerate(expected):
    np.save(HERE / f"control_flow.out{i}.npy", array.astype(np.int64 if array.dtype == np.int64 else np.float32))
