// RUN: heed-opt %s --heed-recognize-recurrent --remarks-filter='heed-.*' --verify-diagnostics --split-input-file

func.func @layer(%a: tensor<5x2x48xf32>, %r: tensor<1x48x16xf32>, %l: tensor<2xi32>, %h: tensor<1x2x16xf32>) -> tensor<1x2x16xf32> {
  // expected-remark @below {{cell=gru, direction=reverse, facts="lengths, linear_before_reset", hidden=16, kind=recurrent}}
  %h1 = attn.recurrent gru reverse ins(%a : tensor<5x2x48xf32>) weights(%r : tensor<1x48x16xf32>) lengths(%l : tensor<2xi32>)
      h(%h : tensor<1x2x16xf32>) {linear_before_reset} -> tensor<1x2x16xf32>
  return %h1 : tensor<1x2x16xf32>
}
