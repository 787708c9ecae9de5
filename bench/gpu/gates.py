"""Gates as MLIR: squeeze-and-excitation, ECA, and the channel gate of CBAM or both of its gates; NCHW or NHWC."""
import dataclasses

from .attentions import function, tensor

KINDS = ("se", "eca", "cbam_channel", "cbam")


@dataclasses.dataclass
class Gate:
    kind: str
    images: int
    channels: int
    side: int
    element: str = "bf16"
    nhwc: bool = False

    @property
    def hidden(self):
        return max(self.channels // 16, 4)

    @property
    def shape(self):
        h = [self.side, self.side]
        return [self.images, *h, self.channels] if self.nhwc else [self.images, self.channels, *h]

    def inputs(self):
        """(name, element, shape)"""
        yield "x", self.element, self.shape
        if self.kind == "eca":
            yield "taps", self.element, [1, 1, 3]
        else:
            yield "down", self.element, [self.channels, self.hidden]
            yield "up", self.element, [self.hidden, self.channels]
        if self.kind == "cbam":
            yield "window", self.element, [1, 2, 7, 7]

    def mlir(self):
        return Printer(self).text()


class Printer:
    def __init__(self, gate):
        self.gate, self.element, self.count, self.lines = gate, gate.element, 0, []

    def text(self):
        gate = self.gate
        inputs = {name: tensor(element, shape) for name, element, shape in gate.inputs()}
        x = inputs["x"]
        self.lines = [f"%zero = arith.constant 0.0 : {self.element}", f"%one = arith.constant 1.0 : {self.element}"]
        y = self.channel_gate("%x", x)
        if gate.kind == "cbam":
            y = self.spatial_gate(y, x)
        return function(inputs, self.lines, [y], [x])

    def add(self, op):
        self.count += 1
        self.lines.append(f"%v{self.count} = {op}")
        return f"%v{self.count}"

    def filled(self, shape):
        type_ = tensor(self.element, shape)
        empty = self.add(f"tensor.empty() : {type_}")
        return self.add(f"linalg.fill ins(%zero : {self.element}) outs({empty} : {type_}) -> {type_}")

    def elementwise(self, value, shape, body):
        """`body` makes %res of %in."""
        type_, dims = tensor(self.element, shape), ", ".join(f"d{n}" for n in range(len(shape)))
        same = f"affine_map<({dims}) -> ({dims})>"
        kinds = ", ".join(['"parallel"'] * len(shape))
        empty = self.add(f"tensor.empty() : {type_}")
        return self.add(
            f"linalg.generic {{indexing_maps = [{same}, {same}], iterator_types = [{kinds}]}} ins({value} : {type_}) "
            f"outs({empty} : {type_}) {{\n  ^bb0(%in: {self.element}, %out: {self.element}):\n    "
            + "\n    ".join(line + f" : {self.element}" for line in body)
            + f"\n    linalg.yield %res : {self.element}\n  }} -> {type_}")

    def sigmoid(self, value, shape):
        return self.elementwise(value, shape, ["%a = arith.negf %in", "%b = math.exp %a", "%c = arith.addf %b, %one",
                                               "%res = arith.divf %one, %c"])

    def matmul(self, a, rows, inner, b, columns):
        left, right = tensor(self.element, [rows, inner]), tensor(self.element, [inner, columns])
        out = self.filled([rows, columns])
        type_ = tensor(self.element, [rows, columns])
        return self.add(f"linalg.matmul ins({a}, {b} : {left}, {right}) outs({out} : {type_}) -> {type_}")

    def perceptron(self, pool):
        g = self.gate
        hidden = self.matmul(pool, g.images, g.channels, "%down", g.hidden)
        hidden = self.elementwise(hidden, [g.images, g.hidden], ["%res = arith.maximumf %in, %zero"])
        return self.matmul(hidden, g.images, g.hidden, "%up", g.channels)

    def band(self, pool):
        """A convolution of three channels, padded by one."""
        g = self.gate
        padded, flat, wide = [g.images, 1, g.channels + 2], [g.images, g.channels], [g.images, 1, g.channels]
        types = [tensor(self.element, shape) for shape in (padded, flat, wide)]
        zeros = self.filled(padded)
        inner = self.add(f"tensor.insert_slice {pool} into {zeros}[0, 0, 1] [{g.images}, 1, {g.channels}] [1, 1, 1] : {types[1]} "
                         f"into {types[0]}")
        out = self.filled(wide)
        made = self.add("linalg.conv_1d_ncw_fcw {dilations = dense<1> : tensor<1xi64>, strides = dense<1> : tensor<1xi64>} "
                        f"ins({inner}, %taps : {types[0]}, {tensor(self.element, [1, 1, 3])}) outs({out} : {types[2]}) -> {types[2]}")
        return self.add(f"tensor.collapse_shape {made} [[0], [1, 2]] : {types[2]} into {types[1]}")

    def gated(self, x, type_, dims, pools, shape, excite):
        """attn.gate; `excite` builds the region from its arguments."""
        empty = self.add(f"tensor.empty() : {type_}")
        outer, self.lines = self.lines, []
        names = [f"%p{len(outer)}_{n}" for n in range(len(pools))]
        pooled = tensor(self.element, shape)
        result = self.sigmoid(excite(*names), shape)
        region = "".join(f"    {line}\n" for line in self.lines)
        self.lines = outer
        arguments = ", ".join(f"{name}: {pooled}" for name in names)
        return self.add(
            f"attn.gate ins({x} : {type_}) outs({empty} : {type_}) dimensions = {dims} pools = [{', '.join(pools)}] excite {{\n"
            f"  ^bb0({arguments}):\n{region}    attn.yield {result} : {pooled}\n  }} -> {type_}")

    def channel_gate(self, x, type_):
        g = self.gate
        shape, dims = [g.images, g.channels], [1, 2] if g.nhwc else [2, 3]
        if g.kind == "eca":
            return self.gated(x, type_, dims, ["avg"], shape, self.band)
        if g.kind == "se":
            return self.gated(x, type_, dims, ["avg"], shape, self.perceptron)

        def both(mean, most):
            a, b = self.perceptron(mean), self.perceptron(most)
            pooled, out = tensor(self.element, shape), self.filled(shape)
            return self.add(f"linalg.add ins({a}, {b} : {pooled}, {pooled}) outs({out} : {pooled}) -> {pooled}")

        return self.gated(x, type_, dims, ["avg", "max"], shape, both)

    def spatial_gate(self, x, type_):
        """7 × 7 over mean and maximum of the channels, padded by three."""
        g = self.gate
        shape = [g.images, g.side, g.side]
        padded, out = [g.images, 2, g.side + 6, g.side + 6], [g.images, 1, g.side, g.side]

        def excite(mean, most):
            types = [tensor(self.element, s) for s in (shape, padded, out)]
            made = self.filled(padded)
            for channel, pool in enumerate((mean, most)):
                made = self.add(f"tensor.insert_slice {pool} into {made}[0, {channel}, 3, 3] [{g.images}, 1, {g.side}, {g.side}] "
                                f"[1, 1, 1, 1] : {types[0]} into {types[1]}")
            zeros = self.filled(out)
            sums = self.add("linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} "
                            f"ins({made}, %window : {types[1]}, {tensor(self.element, [1, 2, 7, 7])}) outs({zeros} : {types[2]}) "
                            f"-> {types[2]}")
            return self.add(f"tensor.collapse_shape {sums} [[0], [1, 2], [3]] : {types[2]} into {types[0]}")

        return self.gated(x, type_, [3] if g.nhwc else [1], ["avg", "max"], shape, excite)
