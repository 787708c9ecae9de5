// AttnBase.td - the attn dialect, its attributes and the base class of its ops.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_ATTN_BASE_TD
#define HEED_ATTN_BASE_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Attn_Dialect : Dialect {
  let name = "attn";
  let summary = "attention blocks: gates and scaled dot-product attention";
  let description = [{
    Few ops, each a whole attention block with a formula. All are in
    destination-passing style, hold on tensors, and on memrefs after
    bufferisation. Each has an exact decomposition into linalg, which is its
    definition (`--heed-decompose`).
  }];
  let cppNamespace = "::heed::attn";
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect"
  ];
  let useDefaultAttributePrinterParser = 1;
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<Attn_Dialect, mnemonic, traits>;

// How a gate pools x over the dimensions D.
def Attn_Pool : I32EnumAttr<"Pool", "reduction of a gate's pool", [
    I32EnumAttrCase<"avg", 0>, I32EnumAttrCase<"max", 1>,
    I32EnumAttrCase<"sum", 2>
  ]> {
  let cppNamespace = "::heed::attn";
  let genSpecializedAttr = 0;
}
def Attn_PoolAttr : EnumAttr<Attn_Dialect, Attn_Pool, "pool">;
def Attn_PoolArrayAttr : TypedArrayAttrBase<Attn_PoolAttr, "array of pools">;

// Which corner of the (query, key) square the causal diagonal starts in.
def Attn_Causal : I32EnumAttr<"Causal", "causal mask", [
    I32EnumAttrCase<"none", 0>, I32EnumAttrCase<"top_left", 1>,
    I32EnumAttrCase<"bottom_right", 2>
  ]> {
  let cppNamespace = "::heed::attn";
  let genSpecializedAttr = 0;
}
def Attn_CausalAttr : EnumAttr<Attn_Dialect, Attn_Causal, "causal"> {
  let assemblyFormat = "`<` $value `>`";
}

// What a row with no key to attend to yields.
def Attn_MaskedRows : I32EnumAttr<"MaskedRows", "value of fully masked rows", [
    I32EnumAttrCase<"nan", 0>, I32EnumAttrCase<"zero", 1>,
    I32EnumAttrCase<"uniform", 2>
  ]> {
  let cppNamespace = "::heed::attn";
  let genSpecializedAttr = 0;
}
def Attn_MaskedRowsAttr : EnumAttr<Attn_Dialect, Attn_MaskedRows, "masked_rows"> {
  let assemblyFormat = "`<` $value `>`";
}

// Layer normalisation subtracts the mean first, RMS normalisation does not.
def Attn_NormKind : I32EnumAttr<"NormKind", "kind of a normalisation", [
    I32EnumAttrCase<"layer", 0>, I32EnumAttrCase<"rms", 1>
  ]> {
  let cppNamespace = "::heed::attn";
  let genSpecializedAttr = 0;
}
def Attn_NormKindAttr : EnumAttr<Attn_Dialect, Attn_NormKind, "norm_kind">;

include "dialect/primitive/PrimitiveAttrs.td"

#endif // HEED_ATTN_BASE_TD
