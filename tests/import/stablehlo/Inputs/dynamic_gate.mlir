module @jit_gated attributes {jax.uses_shape_polymorphism = true, mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<?x?x?x3xf32>) -> (tensor<?x?x?x8xf32> {jax.result_info = "result"}) {
    %c = stablehlo.constant dense<0> : tensor<i32>
    %c_0 = stablehlo.constant dense<4> : tensor<i32>
    %c_1 = stablehlo.constant dense<1> : tensor<i32>
    %0 = stablehlo.get_dimension_size %arg0, dim = 0 : (tensor<?x?x?x3xf32>) -> tensor<i32>
    %1 = stablehlo.get_dimension_size %arg0, dim = 1 : (tensor<?x?x?x3xf32>) -> tensor<i32>
    %2 = stablehlo.get_dimension_size %arg0, dim = 2 : (tensor<?x?x?x3xf32>) -> tensor<i32>
    %3 = stablehlo.compare GE, %0, %c_1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.custom_call @shape_assertion(%3, %0) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Expected value >= 1 for dimension variable 'b'.", has_side_effect = true} : (tensor<i1>, tensor<i32>) -> ()
    %4:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %5 = stablehlo.compare EQ, %4#1, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %6:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    stablehlo.custom_call @shape_assertion(%5, %6#1, %0) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Division had remainder {0} when computing the value of 'h'.", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
    %7:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %8 = stablehlo.compare GE, %7#0, %c_1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %9:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    stablehlo.custom_call @shape_assertion(%8, %0, %9#0, %1) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Expected value >= 1 for dimension variable 'h'.", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>, tensor<i32>) -> ()
    %10:2 = call @divmod(%2, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %11 = stablehlo.compare EQ, %10#1, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %12:2 = call @divmod(%2, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %13:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    stablehlo.custom_call @shape_assertion(%11, %12#1, %0, %13#0, %1) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Division had remainder {0} when computing the value of 'w'.", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> ()
    %14:2 = call @divmod(%2, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %15 = stablehlo.compare GE, %14#0, %c_1, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %16:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %17:2 = call @divmod(%2, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    stablehlo.custom_call @shape_assertion(%15, %0, %16#0, %1, %17#0, %2) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Expected value >= 1 for dimension variable 'w'.", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> ()
    %18:2 = call @divmod(%1, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %19:2 = call @divmod(%2, %c_0) : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)
    %20 = call @_wrapped_jax_export_main(%0, %18#0, %19#0, %arg0) : (tensor<i32>, tensor<i32>, tensor<i32>, tensor<?x?x?x3xf32>) -> tensor<?x?x?x8xf32>
    return %20 : tensor<?x?x?x8xf32>
  }
  func.func private @_wrapped_jax_export_main(%arg0: tensor<i32> {jax.global_constant = "b"}, %arg1: tensor<i32> {jax.global_constant = "h"}, %arg2: tensor<i32> {jax.global_constant = "w"}, %arg3: tensor<?x?x?x3xf32>) -> (tensor<?x?x?x8xf32> {jax.result_info = "result"}) {
    %cst = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %c = stablehlo.constant dense<2> : tensor<i32>
    %cst_0 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %c_1 = stablehlo.constant dense<8> : tensor<1xi32>
    %c_2 = stablehlo.constant dense<1> : tensor<1xi32>
    %cst_3 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %c_4 = stablehlo.constant dense<4> : tensor<i32>
    %cst_5 = stablehlo.constant dense<"0x60B0B53EB3C8383EE926653DF78321BF3041723D37A448BEFD89A53E677CB43CB5466ABE2EE226BE658CB8BEDC3428BE9BA6C13D3B11B53E24B31F3E13BD783EB1DF883E0DD6C6BD0634DF3E469FCFBEC29C173D148321BE3BF216BF54D2FE3E366C19BFB6C4533E42B7093F1B9979BDC9C40DBD99D311BF3F7B99BD6FDCDE3E266520BEEEAA95BE7FD931BFF17AC53EB800FD3D928FB9BDEE2BA03E7C0623BE9338CDBDF31F233F9AAA89BE5661B23D3555893D3B79EF3CA5B1F63AFDB3C8BE0CF628BD63F994BD5D7E4DBE200880BE52DD99BEEDA778BE3C59FB3D9230333CD148FE3E0858393E50CD36BEC89D25BE3B8C54BD910DD7BD6541913A7B15153F60C03ABDAA32223D1109B7BEE57BE6BE29AD26BDB23000BEAADA773DF26ED03E90D01CBE394E52BE1D4C963E39D705BE4B598D3CE7DB01BD4752103FCE4301BFA82E7CBE6AEC473ED630B23E9F109EBEEA11B53EC1B310BE851B5FBE0D9341BEB564D93DFDDE143EBB5D86BE9F167D3DD1C1EABDEB35B7BEE0ED013F679C94BEE800FC3C4DECB2BE318604BEAF53DF3CA252463DC03F9DBED04C13BDC201D73D3FF8E33E4131753E71CBA43E0D77423E08F04CBEB9BFC9BD3B3E8B3E652D53BE463DACBEC32C57BC3E9F0BBF1B5C70BEDE08AFBE1370FDBD6393C93E091D323F6B2F363E7B8D93BE1898603ED42C013E2A0C39BE5D55873E008D14BE620132BEA9FE8C3CF692523E6B4BE2BD513FDA3DEA7F0CBF8193B33D15FA12BE1EA420BE0DFB41BFF698DEBED60E06BFD3FE393ED29B8DBE6AEDA73DBD6A4A3EE0DB27BE51D19DBE32EFB93ED1EFA03D1757BDBE6495133ED7EC4BBE96D00E3E12CD7D3EADF67ABE2D08173E854767BFE813283E4B8816BF6FF6413FEF98D93D577B3CBE6512AE3E47FB70BE4371123DEF0BAFBD143AB93963E42BBEB898063E294863BEE9430A3DBE12413E5DF036BE1A5A803ED736153ECC91B5BD40E61DBE37D66FBC711D0BBE4CD91DBE220D23BD296682BD3835033D4C14DA3E520C8C3E0F7E823E64EB1E3EDC7B39BEE9EAA2BEA8D08BBDA731B63E5832B83EBEF3DFBE224108BF18A1003FD1E1DA3ED47A40BE27C5BDBC87B4753C0073A93E06E815BE46CC353E9735A83D37B5B83D9FE5A13EDC36343DA1CFC4BEFF9B8A3E019F15BE65E7893E72A9A23D953996BEF0B39C3D281543BE7405A63DBD65F8BDCE249B3E7DA45ABE"> : tensor<3x3x3x8xf32>
    %cst_6 = stablehlo.constant dense<[[-0.367632687, -0.699881732], [-0.793898165, -0.269753277], [0.214207709, 0.560722411], [0.0510386564, -0.455081612], [-1.55908358, 0.942128121], [-0.507619321, 0.400732607], [-1.06510746, 1.51422191], [0.691555381, -0.888652741]]> : tensor<8x2xf32>
    %cst_7 = stablehlo.constant dense<[[0.348065168, 1.34273577, -0.176620886, -1.70130134, 0.456813306, 1.84740925, -1.5972296, 1.02482665], [-0.232855558, -0.0911674797, 0.19173488, 0.0123192053, 0.862787783, -1.16456664, -0.0860398039, -0.935585379]]> : tensor<2x8xf32>
    %0 = stablehlo.convolution(%arg3, %cst_5) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], window = {stride = [2, 2], pad = [[0, 1], [0, 1]]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<?x?x?x3xf32>, tensor<3x3x3x8xf32>) -> tensor<?x?x?x8xf32>
    %1 = call @relu(%arg0, %arg1, %arg2, %0) : (tensor<i32>, tensor<i32>, tensor<i32>, tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32>
    %2 = stablehlo.multiply %arg2, %arg1 : tensor<i32>
    %3 = stablehlo.convert %2 : tensor<i32>
    %4 = stablehlo.multiply %3, %c_4 : tensor<i32>
    %5 = stablehlo.convert %4 : (tensor<i32>) -> tensor<f32>
    %6 = stablehlo.reduce(%1 init: %cst_3) applies stablehlo.add across dimensions = [1, 2] : (tensor<?x?x?x8xf32>, tensor<f32>) -> tensor<?x8xf32>
    %7 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %8 = stablehlo.concatenate %7, %c_2, %c_2, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %9 = stablehlo.dynamic_broadcast_in_dim %6, %8, dims = [0, 3] : (tensor<?x8xf32>, tensor<4xi32>) -> tensor<?x1x1x8xf32>
    %10 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %11 = stablehlo.concatenate %10, %c_2, %c_2, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %12 = stablehlo.dynamic_broadcast_in_dim %5, %11, dims = [] : (tensor<f32>, tensor<4xi32>) -> tensor<?x1x1x8xf32>
    %13 = stablehlo.divide %9, %12 : tensor<?x1x1x8xf32>
    %14 = stablehlo.dot_general %13, %cst_6, contracting_dims = [3] x [0] : (tensor<?x1x1x8xf32>, tensor<8x2xf32>) -> tensor<?x1x1x2xf32>
    %15 = call @relu_0(%arg0, %arg1, %arg2, %14) : (tensor<i32>, tensor<i32>, tensor<i32>, tensor<?x1x1x2xf32>) -> tensor<?x1x1x2xf32>
    %16 = stablehlo.dot_general %15, %cst_7, contracting_dims = [3] x [0] : (tensor<?x1x1x2xf32>, tensor<2x8xf32>) -> tensor<?x1x1x8xf32>
    %17 = stablehlo.negate %16 : tensor<?x1x1x8xf32>
    %18 = stablehlo.exponential %17 : tensor<?x1x1x8xf32>
    %19 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %20 = stablehlo.concatenate %19, %c_2, %c_2, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %21 = stablehlo.dynamic_broadcast_in_dim %cst_0, %20, dims = [] : (tensor<f32>, tensor<4xi32>) -> tensor<?x1x1x8xf32>
    %22 = stablehlo.add %21, %18 : tensor<?x1x1x8xf32>
    %23 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %24 = stablehlo.concatenate %23, %c_2, %c_2, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %25 = stablehlo.dynamic_broadcast_in_dim %cst_0, %24, dims = [] : (tensor<f32>, tensor<4xi32>) -> tensor<?x1x1x8xf32>
    %26 = stablehlo.divide %25, %22 : tensor<?x1x1x8xf32>
    %27 = stablehlo.convert %arg1 : tensor<i32>
    %28 = stablehlo.multiply %27, %c : tensor<i32>
    %29 = stablehlo.convert %arg2 : tensor<i32>
    %30 = stablehlo.multiply %29, %c : tensor<i32>
    %31 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %32 = stablehlo.reshape %28 : (tensor<i32>) -> tensor<1xi32>
    %33 = stablehlo.reshape %30 : (tensor<i32>) -> tensor<1xi32>
    %34 = stablehlo.concatenate %31, %32, %33, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %35 = stablehlo.dynamic_broadcast_in_dim %26, %34, dims = [0, 1, 2, 3] : (tensor<?x1x1x8xf32>, tensor<4xi32>) -> tensor<?x?x?x8xf32>
    %36 = stablehlo.multiply %1, %35 : tensor<?x?x?x8xf32>
    %37 = stablehlo.broadcast_in_dim %cst, dims = [] : (tensor<f32>) -> tensor<f32>
    %38 = "stablehlo.reduce_window"(%36, %37) <{window_dimensions = array<i64: 1, 2, 2, 1>, window_strides = array<i64: 1, 2, 2, 1>}> ({
    ^bb0(%arg4: tensor<f32>, %arg5: tensor<f32>):
      %39 = stablehlo.maximum %arg4, %arg5 : tensor<f32>
      stablehlo.return %39 : tensor<f32>
    }) : (tensor<?x?x?x8xf32>, tensor<f32>) -> tensor<?x?x?x8xf32>
    return %38 : tensor<?x?x?x8xf32>
  }
  func.func private @relu(%arg0: tensor<i32> {jax.global_constant = "b"}, %arg1: tensor<i32> {jax.global_constant = "h"}, %arg2: tensor<i32> {jax.global_constant = "w"}, %arg3: tensor<?x?x?x8xf32>) -> tensor<?x?x?x8xf32> {
    %c = stablehlo.constant dense<8> : tensor<1xi32>
    %c_0 = stablehlo.constant dense<2> : tensor<i32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.convert %arg1 : tensor<i32>
    %1 = stablehlo.multiply %0, %c_0 : tensor<i32>
    %2 = stablehlo.convert %arg2 : tensor<i32>
    %3 = stablehlo.multiply %2, %c_0 : tensor<i32>
    %4 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %5 = stablehlo.reshape %1 : (tensor<i32>) -> tensor<1xi32>
    %6 = stablehlo.reshape %3 : (tensor<i32>) -> tensor<1xi32>
    %7 = stablehlo.concatenate %4, %5, %6, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %8 = stablehlo.dynamic_broadcast_in_dim %cst, %7, dims = [] : (tensor<f32>, tensor<4xi32>) -> tensor<?x?x?x8xf32>
    %9 = stablehlo.maximum %arg3, %8 : tensor<?x?x?x8xf32>
    return %9 : tensor<?x?x?x8xf32>
  }
  func.func private @relu_0(%arg0: tensor<i32> {jax.global_constant = "b"}, %arg1: tensor<i32> {jax.global_constant = "h"}, %arg2: tensor<i32> {jax.global_constant = "w"}, %arg3: tensor<?x1x1x2xf32>) -> tensor<?x1x1x2xf32> {
    %c = stablehlo.constant dense<2> : tensor<1xi32>
    %c_0 = stablehlo.constant dense<1> : tensor<1xi32>
    %cst = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %1 = stablehlo.concatenate %0, %c_0, %c_0, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %2 = stablehlo.dynamic_broadcast_in_dim %cst, %1, dims = [] : (tensor<f32>, tensor<4xi32>) -> tensor<?x1x1x2xf32>
    %3 = stablehlo.maximum %arg3, %2 : tensor<?x1x1x2xf32>
    return %3 : tensor<?x1x1x2xf32>
  }
  func.func private @divmod(%arg0: tensor<i32> {jax.global_constant = ""}, %arg1: tensor<i32> {jax.global_constant = ""}) -> (tensor<i32>, tensor<i32>) {
    %0 = stablehlo.convert %arg0 : tensor<i32>
    %1 = call @floor_divide(%0, %arg1) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    %2 = call @remainder(%0, %arg1) : (tensor<i32>, tensor<i32>) -> tensor<i32>
    return %1, %2 : tensor<i32>, tensor<i32>
  }
  func.func private @floor_divide(%arg0: tensor<i32> {jax.global_constant = ""}, %arg1: tensor<i32> {jax.global_constant = ""}) -> tensor<i32> {
    %c = stablehlo.constant dense<1> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.divide %arg0, %arg1 : tensor<i32>
    %1 = stablehlo.sign %arg0 : tensor<i32>
    %2 = stablehlo.sign %arg1 : tensor<i32>
    %3 = stablehlo.compare NE, %1, %2, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %4 = stablehlo.remainder %arg0, %arg1 : tensor<i32>
    %5 = stablehlo.compare NE, %4, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %6 = stablehlo.and %3, %5 : tensor<i1>
    %7 = stablehlo.subtract %0, %c : tensor<i32>
    %8 = call @_where(%6, %7, %0) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    return %8 : tensor<i32>
  }
  func.func private @_where(%arg0: tensor<i1> {jax.global_constant = ""}, %arg1: tensor<i32> {jax.global_constant = ""}, %arg2: tensor<i32> {jax.global_constant = ""}) -> tensor<i32> {
    %0 = stablehlo.select %arg0, %arg1, %arg2 : tensor<i1>, tensor<i32>
    return %0 : tensor<i32>
  }
  func.func private @remainder(%arg0: tensor<i32> {jax.global_constant = ""}, %arg1: tensor<i32> {jax.global_constant = ""}) -> tensor<i32> {
    %c = stablehlo.constant dense<1> : tensor<i32>
    %c_0 = stablehlo.constant dense<0> : tensor<i32>
    %0 = stablehlo.compare EQ, %arg1, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %1 = call @_where(%0, %c, %arg1) : (tensor<i1>, tensor<i32>, tensor<i32>) -> tensor<i32>
    %2 = stablehlo.remainder %arg0, %1 : tensor<i32>
    %3 = stablehlo.compare NE, %2, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %4 = stablehlo.compare LT, %2, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %5 = stablehlo.compare LT, %1, %c_0, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    %6 = stablehlo.compare NE, %4, %5, UNSIGNED : (tensor<i1>, tensor<i1>) -> tensor<i1>
    %7 = stablehlo.and %6, %3 : tensor<i1>
    %8 = stablehlo.add %2, %1 : tensor<i32>
    %9 = stablehlo.select %7, %8, %2 : tensor<i1>, tensor<i32>
    return %9 : tensor<i32>
  }
}
