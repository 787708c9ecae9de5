#!/usr/bin/env python3
# make_recurrent.py - writes recurrent.onnx, its inputs and its output: LSTM, GRU and RNN with every attribute of ONNX.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Needs numpy and onnx. The numbers are those of the standard's formulas, row by row and in doubles; not of an operator.

The results of all layers are one vector, so that one file holds them. T and B are dynamic; H = 11 is no multiple of a
vector, H = 16 is.
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

T, B, I = 6, 3, 5
HERE = pathlib.Path(__file__).parent
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
DEFAULTS = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"], "RNN": ["Tanh"]}
FUNCTIONS = {
    "Sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "Tanh": lambda x, a, b: np.tanh(x),
    "Relu": lambda x, a, b: np.maximum(x, 0),
    "Affine": lambda x, a, b: a * x + b,
    "LeakyRelu": lambda x, a, b: np.where(x > 0, x, a * x),
    "ThresholdedRelu": lambda x, a, b: np.where(x >= a, x, 0),
    "ScaledTanh": lambda x, a, b: a * np.tanh(b * x),
    "HardSigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "Elu": lambda x, a, b: np.where(x > 0, x, a * np.expm1(np.minimum(x, 0))),
    "Softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "Softplus": lambda x, a, b: np.log1p(np.exp(x)),
}


class Layer:
    """One node: its weights, and what it computes of one row of the batch."""

    def __init__(self, op, rng, H=11, direction="forward", bias=True, lengths=False, states=False, peephole=False,
                 activations=None, alpha=None, beta=None, **attributes):
        self.op, self.H, self.direction, self.attributes = op, H, direction, attributes
        self.D = 2 if direction == "bidirectional" else 1
        G = GATES[op]

        def draw(*shape):
            return rng.uniform(-0.6, 0.6, shape).astype(np.float32)

        self.W, self.R = draw(self.D, G * H, I), draw(self.D, G * H, H)
        self.bias = draw(self.D, 2 * G * H) if bias else None
        self.lengths = np.array([T, 1, T - 2], np.int32) if lengths else None
        self.h = draw(self.D, B, H) if states else None
        self.c = draw(self.D, B, H) if states and op == "LSTM" else None
        self.P = draw(self.D, 3 * H) if peephole else None
        self.activations, self.alpha, self.beta = activations, alpha, beta

    def functions(self, d):
        """The cell's functions of one direction, with their parameters taken in order."""
        count = len(DEFAULTS[self.op])
        names = self.activations or DEFAULTS[self.op] * self.D
        alphas, betas = list(self.alpha or []), list(self.beta or [])
        made = []
        for name in names:
            a = alphas.pop(0) if name in PARAMETERS and alphas else PARAMETERS.get(name, (0, 0))[0]
            b = betas.pop(0) if name in TWO and betas else PARAMETERS.get(name, (0, 0))[1]
            made.append(lambda x, f=FUNCTIONS[name], a=a, b=b: f(x, a, b))
        return made[d * count:(d + 1) * count]

    def run_row(self, x, d, n):
        """x: [T, I] of one row. Y, and the last states."""
        H, op = self.H, self.op
        G, W, R = GATES[op], self.W[d].astype(float), self.R[d].astype(float)
        bias = self.bias[d].astype(float) if self.bias is not None else np.zeros(2 * G * H)
        Wb, Rb = bias[:G * H], bias[G * H:]
        f, g, k = (self.functions(d) + [None, None])[:3]
        clip = self.attributes.get("clip", np.inf)

        def limited(function, value):
            return function(np.clip(value, -clip, clip))

        h = self.h[d, n].astype(float) if self.h is not None else np.zeros(H)
        c = self.c[d, n].astype(float) if self.c is not None else np.zeros(H)
        P = self.P[d].astype(float).reshape(3, H) if self.P is not None else np.zeros((3, H))
        y, length = np.zeros((T, H)), T if self.lengths is None else self.lengths[n]
        times = range(length)
        if self.direction == "reverse" or d == 1:
            times = reversed(times)
        for t in times:
            a = (W @ x[t] + Wb).reshape(G, H)
            q = (R @ h + Rb).reshape(G, H)
            if op == "LSTM":
                i = limited(f, a[0] + q[0] + P[0] * c)
                forget = 1 - i if self.attributes.get("input_forget") else limited(f, a[2] + q[2] + P[2] * c)
                c = forget * c + i * limited(g, a[3] + q[3])
                h = limited(f, a[1] + q[1] + P[1] * c) * k(c)
            elif op == "GRU":
                z, r = limited(f, a[0] + q[0]), limited(f, a[1] + q[1])
                if self.attributes.get("linear_before_reset"):
                    new = limited(g, a[2] + r * q[2])
                else:
                    new = limited(g, a[2] + R[2 * H:] @ (r * h) + Rb[2 * H:])
                h = (1 - z) * new + z * h
            else:
                h = limited(f, a[0] + q[0])
            y[t] = h
        return y, h, c

    def run(self, x):
        y, h, c = np.zeros((T, self.D, B, self.H)), np.zeros((self.D, B, self.H)), np.zeros((self.D, B, self.H))
        for d in range(self.D):
            for n in range(B):
                y[:, d, n], h[d, n], c[d, n] = self.run_row(x[:, n].astype(float), d, n)
        if self.attributes.get("layout"):
            y, h, c = y.transpose(2, 0, 1, 3), h.transpose(1, 0, 2), c.transpose(1, 0, 2)
        return [y, h] + ([c] if self.op == "LSTM" else [])


PARAMETERS = {"Affine": (1, 0), "LeakyRelu": (0.01, 0), "ThresholdedRelu": (1, 0), "ScaledTanh": (1, 1),
              "HardSigmoid": (0.2, 0.5), "Elu": (1, 0)}
TWO = ("Affine", "ScaledTanh", "HardSigmoid")


def layers():
    rng = np.random.default_rng(7)
    for op in GATES:
        for H in (11, 16):
            yield Layer(op, rng, H)
        yield Layer(op, rng, direction="reverse", lengths=True, states=True)
        yield Layer(op, rng, direction="bidirectional", lengths=True, states=True, clip=0.4)
        yield Layer(op, rng, 16, direction="bidirectional", layout=1, states=True)
        yield Layer(op, rng, bias=False, direction="reverse")
    yield Layer("GRU", rng, linear_before_reset=1)
    yield Layer("GRU", rng, 16, linear_before_reset=1, bias=False, states=True)
    yield Layer("GRU", rng, linear_before_reset=1, direction="bidirectional", lengths=True, clip=0.4)
    yield Layer("LSTM", rng, peephole=True, states=True, direction="bidirectional")
    yield Layer("LSTM", rng, peephole=True, input_forget=1, clip=0.4)
    yield Layer("LSTM", rng, activations=["HardSigmoid", "Softsign", "ScaledTanh"], alpha=[0.25, 0.9], beta=[0.45, 1.2])
    yield Layer("GRU", rng, activations=["HardSigmoid", "LeakyRelu"], alpha=[0.25, 0.1], beta=[0.45])
    # Other functions in each direction: no kernel, the definition.
    yield Layer("RNN", rng, direction="bidirectional", activations=["Elu", "Affine"], alpha=[0.7, 0.5], beta=[0.1])
    yield Layer("RNN", rng, activations=["ThresholdedRelu"], alpha=[0.1])
    yield Layer("RNN", rng, activations=["Softplus"])
    yield Layer("RNN", rng, activations=["Relu"], states=True)


def main():
    x = np.random.default_rng(8).normal(size=(T, B, I)).astype(np.float32)
    nodes, weights, results, names = [], [], [], []

    def constant(name, array):
        weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    constant("flat", np.array([-1], np.int64))
    nodes.append(helper.make_node("Transpose", ["x"], ["batches"], perm=[1, 0, 2]))
    for at, layer in enumerate(layers()):
        batches = layer.attributes.get("layout")

        def state(array):
            return array.transpose(1, 0, 2) if batches else array

        given = {"w": layer.W, "r": layer.R, "b": layer.bias, "l": layer.lengths,
                 "h": None if layer.h is None else state(layer.h), "c": None if layer.c is None else state(layer.c),
                 "p": layer.P}
        inputs = ["batches" if batches else "x"]
        inputs += ["" if array is None else constant(f"{key}{at}", array) for key, array in given.items()]
        if layer.op != "LSTM":
            inputs = inputs[:6]
        while not inputs[-1]:
            inputs.pop()
        attributes = dict(layer.attributes, hidden_size=layer.H, direction=layer.direction)
        for key, value in (("activations", layer.activations), ("activation_alpha", layer.alpha),
                           ("activation_beta", layer.beta)):
            if value:
                attributes[key] = value
        values = layer.run(x)
        outputs = [f"o{at}_{i}" for i in range(len(values))]
        nodes.append(helper.make_node(layer.op, inputs, outputs, name=f"{layer.op}_{at}", **attributes))
        for output, value in zip(outputs, values):
            nodes.append(helper.make_node("Reshape", [output, "flat"], [output + "_flat"]))
            names.append(output + "_flat")
            results.append(value.ravel())
    nodes.append(helper.make_node("Concat", names, ["y"], axis=0))
    graph = helper.make_graph(
        nodes, "recurrent", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["t", "b", I])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "recurrent.onnx")
    np.save(HERE / "recurrent.in0.npy", x)
    np.save(HERE / "recurrent.out0.npy", np.concatenate(results).astype(np.float32))


if __name__ == "__main__":
    main()
