// RecurrentEnums.td - kinds, directions and activations of recurrent layers.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_RECURRENT_ENUMS_TD
#define HEED_RECURRENT_ENUMS_TD

include "mlir/IR/EnumAttr.td"

class RecurrentEnum<string name, string summary, list<I32EnumAttrCase> cases>
    : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::heed::attn";
}

def Attn_RecurrentKind : RecurrentEnum<"RecurrentKind", "kind of a recurrent layer", [
    I32EnumAttrCase<"lstm", 0>, I32EnumAttrCase<"gru", 1>,
    I32EnumAttrCase<"rnn", 2>
  ]>;

// Which way a layer walks through time.
def Attn_Direction : RecurrentEnum<"Direction", "direction of a recurrent layer", [
    I32EnumAttrCase<"forward", 0>, I32EnumAttrCase<"reverse", 1>,
    I32EnumAttrCase<"bidirectional", 2>
  ]>;

def Attn_ActivationKind : RecurrentEnum<"ActivationKind", "activation of a recurrent layer", [
    I32EnumAttrCase<"sigmoid", 0>, I32EnumAttrCase<"tanh", 1>,
    I32EnumAttrCase<"relu", 2>, I32EnumAttrCase<"affine", 3>,
    I32EnumAttrCase<"leaky_relu", 4>, I32EnumAttrCase<"thresholded_relu", 5>,
    I32EnumAttrCase<"scaled_tanh", 6>, I32EnumAttrCase<"hard_sigmoid", 7>,
    I32EnumAttrCase<"elu", 8>, I32EnumAttrCase<"softsign", 9>,
    I32EnumAttrCase<"softplus", 10>
  ]>;

#endif // HEED_RECURRENT_ENUMS_TD
