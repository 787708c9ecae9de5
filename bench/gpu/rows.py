"""What is computed along rows, or element by element, as MLIR: norms, softmax, rotations and an epilogue."""
import dataclasses

from .attentions import function, tensor

KINDS = ("layer", "rms", "softmax", "rope", "gelu")


@dataclasses.dataclass
class Row:
    kind: str
    rows: int
    columns: int
    element: str = "bf16"

    @property
    def shape(self):
        """Of rotations: rows are of 16 heads or fewer."""
        heads = max(h for h in (1, 2, 4, 8, 16) if self.rows % h == 0)
        return [heads, self.rows // heads, self.columns] if self.kind == "rope" else [self.rows, self.columns]

    def inputs(self):
        """(name, element, shape)"""
        yield "x", self.element, self.shape
        table = [self.shape[1], self.columns // 2] if self.kind == "rope" else [self.columns]
        if self.kind != "softmax":
            yield "a", self.element, table
            yield "b", self.element, table

    def mlir(self):
        inputs = {name: tensor(element, shape) for name, element, shape in self.inputs()}
        x, e = inputs["x"], self.element
        lines = [f"%i = tensor.empty() : {x}"]
        if self.kind == "softmax":
            op = f"linalg.softmax dimension(1) ins(%x : {x}) outs(%i : {x})"
        elif self.kind == "rope":
            op = (f"attn.rope ins(%x : {x}) cos(%a : {inputs['a']}) over [1, 2] sin(%b : {inputs['b']}) over [1, 2] outs(%i : {x}) "
                  f"dimension = 2 rotated = {self.columns}")
        elif self.kind == "gelu":
            lines += [f"%root = arith.constant 0.70710678 : {e}", f"%one = arith.constant 1.0 : {e}",
                      f"%half = arith.constant 0.5 : {e}"]
            same, last = "affine_map<(i, j) -> (i, j)>", "affine_map<(i, j) -> (j)>"
            body = ["%0 = arith.mulf %in, %w", "%1 = arith.addf %0, %c", "%2 = arith.mulf %1, %root", "%3 = math.erf %2",
                    "%4 = arith.addf %3, %one", "%5 = arith.mulf %1, %4", "%6 = arith.mulf %5, %half", "linalg.yield %6"]
            op = (f"linalg.generic {{indexing_maps = [{same}, {last}, {last}, {same}], "
                  f"iterator_types = [\"parallel\", \"parallel\"]}} ins(%x, %a, %b : {x}, {inputs['a']}, {inputs['b']}) "
                  f"outs(%i : {x}) {{\n  ^bb0(%in: {e}, %w: {e}, %c: {e}, %out: {e}):\n    "
                  + "\n    ".join(f"{line} : {e}" for line in body) + "\n  }")
        else:
            op = (f"attn.norm {self.kind} ins(%x : {x}) weight(%a : {inputs['a']}) over [1] bias(%b : {inputs['b']}) over [1] "
                  f"outs(%i : {x}) dimensions = [1] epsilon = 1.0e-05")
        return function(inputs, lines + [f"%y = {op} -> {x}"], ["%y"], [x])
