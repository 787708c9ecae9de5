"""Attention as MLIR: `attn.sdpa` on tensors in the order batch, head, row, column."""
import dataclasses
import math


@dataclasses.dataclass
class Attention:
    batch: int = 1
    heads: int = 2
    queries: int = 64
    keys: int = 64
    size: int = 64  # of a head
    element: str = "bf16"
    group: int = 1  # query heads to one of keys
    attributes: str = ""  # as `, causal = #attn.causal<top_left>`
    mask: bool = False  # of the keys
    bias: bool = False  # of each score
    lengths: bool = False  # kv_length
    lse: bool = False

    @property
    def scale(self):
        return 1 / math.sqrt(self.size)

    @property
    def causal(self):
        return "causal" in self.attributes

    @property
    def flop(self):
        """Of both products; half of them if causal."""
        return 4 * self.batch * self.heads * self.queries * self.keys * self.size / (2 if self.causal else 1)

    def inputs(self):
        """(name, element, shape)"""
        few = self.heads // self.group
        yield "q", self.element, [self.batch, self.heads, self.queries, self.size]
        yield "k", self.element, [self.batch, few, self.keys, self.size]
        yield "v", self.element, [self.batch, few, self.keys, self.size]
        if self.bias:
            yield "bias", self.element, [self.heads, self.queries, self.keys]
        if self.mask:
            yield "mask", "i1", [self.batch, self.keys]
        if self.lengths:
            yield "kv_length", "i64", [self.batch]

    def mlir(self):
        inputs = {name: tensor(element, shape) for name, element, shape in self.inputs()}
        out = tensor(self.element, [self.batch, self.heads, self.queries, self.size])
        head = "h" if self.group == 1 else f"h floordiv {self.group}"
        maps = {"q": "b, h, i, d", "k": f"b, {head}, j, d", "v": f"b, {head}, j, e", "bias": "h, i, j", "mask": "b, j",
                "kv_length": "b"}
        order = [maps[name] for name in inputs] + ["b, h, i, e"] + (["b, h, i"] if self.lse else [])
        listed = ", ".join(f"affine_map<(b, h, i, j, d, e) -> ({results})>" for results in order)
        extras = "".join(f" {name}(%{name} : {inputs[name]})" for name in ("bias", "mask", "kv_length") if name in inputs)
        sums = tensor("f32", [self.batch, self.heads, self.queries])
        lines = [f"%i = tensor.empty() : {out}"]
        if self.lse:
            lines.append(f"%l = tensor.empty() : {sums}")
        results = [out, sums] if self.lse else [out]
        lines.append(
            f"%o{':2' if self.lse else ''} = attn.sdpa ins(%q, %k, %v : {inputs['q']}, {inputs['k']}, {inputs['v']}){extras} "
            f"outs(%i : {out}){f' lse(%l : {sums})' if self.lse else ''} maps = [{listed}] "
            f"{{scale = {self.scale!r} : f64{self.attributes}}} -> {', '.join(results)}")
        return function(inputs, lines, ["%o#0", "%o#1"] if self.lse else ["%o"], results)


def tensor(element, shape):
    return f"tensor<{''.join(f'{size}x' for size in shape)}{element}>"


def function(inputs, lines, results, types):
    """@main of named inputs."""
    parameters = ", ".join(f"%{name}: {type_}" for name, type_ in inputs.items())
    body = "".join(f"  {line}\n" for line in lines)
    return f"func.func @main({parameters}) -> ({', '.join(types)}) {{\n{body}  return {', '.join(results)} : {', '.join(types)}\n}}\n"
