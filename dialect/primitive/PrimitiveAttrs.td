// PrimitiveAttrs.td - kinds of library primitives and their post-ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PRIMITIVE_ATTRS_TD
#define HEED_PRIMITIVE_ATTRS_TD

include "dialect/AttnBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

// The numbers of both enums are those of runtime/support/SiteRecord.h.
def Attn_PrimitiveKind : I32EnumAttr<"PrimitiveKind", "kind of a library primitive", [
    I32EnumAttrCase<"matmul", 0>, I32EnumAttrCase<"convolution", 1>,
    I32EnumAttrCase<"deconvolution", 2>, I32EnumAttrCase<"pool_avg", 3>,
    I32EnumAttrCase<"pool_avg_include_pad", 4>, I32EnumAttrCase<"pool_max", 5>,
    I32EnumAttrCase<"reorder", 6>
  ]> {
  let cppNamespace = "::heed::attn";
  let genSpecializedAttr = 0;
}
def Attn_PrimitiveKindAttr
    : EnumAttr<Attn_Dialect, Attn_PrimitiveKind, "primitive_kind">;

def Attn_PostOpKind : I32EnumAttr<"PostOpKind", "kind of a post-op", [
    I32EnumAttrCase<"relu", 0>, I32EnumAttrCase<"clip", 1>,
    I32EnumAttrCase<"linear", 2>, I32EnumAttrCase<"sigmoid", 3>,
    I32EnumAttrCase<"swish", 4>, I32EnumAttrCase<"hard_sigmoid", 5>,
    I32EnumAttrCase<"hard_swish", 6>, I32EnumAttrCase<"gelu_erf", 7>,
    I32EnumAttrCase<"gelu_tanh", 8>, I32EnumAttrCase<"tanh", 9>,
    I32EnumAttrCase<"elu", 10>, I32EnumAttrCase<"exp", 11>,
    I32EnumAttrCase<"abs", 12>, I32EnumAttrCase<"square", 13>,
    I32EnumAttrCase<"sqrt", 14>, I32EnumAttrCase<"add", 15>,
    I32EnumAttrCase<"sub", 16>, I32EnumAttrCase<"mul", 17>,
    I32EnumAttrCase<"div", 18>, I32EnumAttrCase<"max", 19>,
    I32EnumAttrCase<"min", 20>
  ]> {
  let cppNamespace = "::heed::attn";
  let genSpecializedAttr = 0;
}

def Attn_PostOpAttr : AttrDef<Attn_Dialect, "PostOp"> {
  let mnemonic = "post_op";
  let summary = "one step of what a primitive does to its result";
  let description = [{
    A function of the result x so far, and of two constants (0 where not
    written) or of the primitive's next post-op tensor t:

    | kind | value |
    |---|---|
    | `relu` | x above 0, alpha·x below |
    | `clip` | min(max(x, alpha), beta) |
    | `linear` | alpha·x + beta |
    | `sigmoid` | 1 / (1 + e^−x) |
    | `swish` | x · sigmoid(alpha·x) |
    | `hard_sigmoid` | min(max(alpha·x + beta, 0), 1) |
    | `hard_swish` | x · min(max(alpha·x + beta, 0), 1) |
    | `gelu_erf`, `gelu_tanh` | x/2 · (1 + erf(x/√2)), and its approximation by tanh |
    | `tanh`, `exp`, `abs`, `square`, `sqrt` | of x |
    | `elu` | x above 0, alpha·(e^x − 1) below |
    | `add`, `sub`, `mul`, `div`, `max`, `min` | of x and t |

    Example: `#attn.post_op<clip, 0.000000e+00, 6.000000e+00>`, `#attn.post_op<add>`
  }];
  let parameters = (ins "::heed::attn::PostOpKind":$kind,
                        APFloatParameter<"first constant">:$alpha,
                        APFloatParameter<"second constant">:$beta);
  let builders = [
    AttrBuilder<(ins "::heed::attn::PostOpKind":$kind,
                     CArg<"double", "0.0">:$alpha, CArg<"double", "0.0">:$beta), [{
      return $_get($_ctxt, kind, ::llvm::APFloat(alpha), ::llvm::APFloat(beta));
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    /// Whether the step takes a tensor.
    bool isBinary() const { return getKind() >= PostOpKind::add; }
  }];
}
def Attn_PostOpArrayAttr : TypedArrayAttrBase<Attn_PostOpAttr, "array of post-ops">;

#endif // HEED_PRIMITIVE_ATTRS_TD
