module @jit_layer attributes {jax.uses_shape_polymorphism = true, mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<?x?x8xf32>) -> (tensor<?x?x8xf32> {jax.result_info = "result"}) {
    %c = stablehlo.constant dense<1> : tensor<i32>
    %0 = stablehlo.get_dimension_size %arg0, dim = 0 : (tensor<?x?x8xf32>) -> tensor<i32>
    %1 = stablehlo.get_dimension_size %arg0, dim = 1 : (tensor<?x?x8xf32>) -> tensor<i32>
    %2 = stablehlo.compare GE, %0, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.custom_call @shape_assertion(%2, %0) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Expected value >= 1 for dimension variable 'b'.", has_side_effect = true} : (tensor<i1>, tensor<i32>) -> ()
    %3 = stablehlo.compare GE, %1, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
    stablehlo.custom_call @shape_assertion(%3, %0, %1) {api_version = 2 : i32, error_message = "Input shapes do not match the polymorphic shapes specification. Expected value >= 1 for dimension variable 's'.", has_side_effect = true} : (tensor<i1>, tensor<i32>, tensor<i32>) -> ()
    %4 = call @_wrapped_jax_export_main(%0, %1, %arg0) : (tensor<i32>, tensor<i32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
    return %4 : tensor<?x?x8xf32>
  }
  func.func private @_wrapped_jax_export_main(%arg0: tensor<i32> {jax.global_constant = "b"}, %arg1: tensor<i32> {jax.global_constant = "s"}, %arg2: tensor<?x?x8xf32>) -> (tensor<?x?x8xf32> {jax.result_info = "result"}) {
    %cst = stablehlo.constant dense<5.000000e-01> : tensor<f32>
    %cst_0 = stablehlo.constant dense<1.000000e+00> : tensor<f32>
    %cst_1 = stablehlo.constant dense<0.797884583> : tensor<f32>
    %cst_2 = stablehlo.constant dense<4.471500e-02> : tensor<f32>
    %cst_3 = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %cst_4 = stablehlo.constant dense<2.000000e+00> : tensor<f32>
    %c = stablehlo.constant dense<4> : tensor<1xi32>
    %c_5 = stablehlo.constant dense<2> : tensor<1xi32>
    %cst_6 = stablehlo.constant dense<9.99999974E-6> : tensor<f32>
    %c_7 = stablehlo.constant dense<0> : tensor<i32>
    %c_8 = stablehlo.constant dense<8> : tensor<1xi32>
    %cst_9 = stablehlo.constant dense<8.000000e+00> : tensor<f32>
    %c_10 = stablehlo.constant dense<1> : tensor<1xi32>
    %cst_11 = stablehlo.constant dense<[[-1.71470761, 1.3643918, -0.297891796, -1.96320176, 1.45768464, 1.28406894, -0.503248215, 0.867276966], [-0.355894536, 0.0509262756, 0.166269496, -0.231010556, 0.524372637, 3.857490e-01, -0.522884905, 0.295993149], [-0.520587504, 0.133818656, -0.496869594, 0.0972906723, 1.6006459, -0.653891444, -1.46312702, 1.59414542], [0.292444408, -0.650614202, -0.249649927, -0.913751065, 0.937843859, 0.71333903, 0.628572345, 0.220203429], [-2.05004168, -1.18697834, 0.284400314, -2.65494895, -0.0792556181, -1.02531242, 0.633293688, -0.196601376], [1.05891812, 0.33765468, 0.113748752, -0.973339557, 0.627708613, 2.37928271, -1.71044445, -1.02373445], [1.66409266, 0.511791229, -0.295929611, 0.781978428, 0.332492113, -0.652621924, -0.668290913, 0.855275273], [0.343304724, 1.0776825, 0.653780758, -0.613995314, 1.52411616, -0.923162937, -0.453295082, -0.782782137]]> : tensor<8x8xf32>
    %cst_12 = stablehlo.constant dense<[[-1.40118015, 0.622593641, -1.05285323, -0.684224844, 0.942772924, 0.865213156, -0.621424198, -1.30803943], [-0.10425365, -1.59786594, -1.01042426, -0.387776285, -0.158130229, -0.5552302, -0.145344898, 1.38204026], [0.627126157, 1.37922621, 0.896029412, 0.231981665, -1.21384025, -1.33608711, -0.020585278, -0.408607602], [-0.934543073, 0.409704626, 1.22407913, -0.0680874884, 0.0858355612, -0.546964884, -0.687940895, 1.97365308], [-1.25641108, -0.161224663, -0.447140157, -0.109891631, 1.04633331, 0.993762612, -1.401120e-01, 1.1234957], [-0.766547143, 0.355677098, 1.77951205, -0.577587962, 0.205117404, 1.498580e+00, -0.84247756, 0.0643251464], [-0.314800382, -1.11694312, 0.404261112, -0.844129085, 1.65575445, 0.020661192, -0.210149541, 4.087180e-02], [0.102787383, -0.199224219, 0.0572285205, -0.574811578, -0.499439508, 0.527043521, -2.13635039, -0.79948318]]> : tensor<8x8xf32>
    %cst_13 = stablehlo.constant dense<[[0.00855520461, 0.342380464, -0.390541494, 0.136224046, -0.349464685, -1.8607136, 0.940470874, 0.267995983], [-0.957357048, 1.47497499, 0.677494466, -0.625504434, 1.10656679, 0.53902781, 0.828874766, -0.601793766], [-0.556633472, -0.822464168, -0.541058481, -2.31308842, 1.0837661, -1.18044817, 0.5697124, -1.29821932], [0.116806813, -1.1923517, -0.0198789816, -1.59969628, -0.591921031, 0.659640729, 0.21389623, 0.171045899], [-0.858435928, -2.19653225, -0.893025755, -0.510950744, 1.479249, 0.569523931, 0.316462368, -0.581863403], [-0.72925955, 0.640621721, -0.372051239, -0.336894453, 1.91785455, -0.981819391, -0.281605721, -0.249689952], [-0.651333094, -1.41156662, 1.27235067, -1.41244626, -0.907614409, 0.256265223, -1.24373567, -0.155799747], [-0.256595045, -0.236750051, -0.140066728, -1.40842068, -0.549502969, 1.28451288, 1.16394353, -0.58077848]]> : tensor<8x8xf32>
    %cst_14 = stablehlo.constant dense<[[1.08489585, -0.939865171, -1.36395848, -2.01726317, -1.11299825, 0.45987767, -0.325547934, 1.66163409], [0.839436411, -0.354214728, -0.223280549, -0.215911761, 0.99910593, -0.384189844, -0.0145021342, -0.735444307], [1.29875422, -0.349110246, -0.646796584, -1.52014077, 0.966247439, -0.591702461, -0.0703882426, -0.410446733], [-0.186518282, -1.98254812, -0.784579157, -1.08361149, 2.17839527, 1.34686589, 0.438076764, 2.48676372], [1.27732241, -1.34472346, -1.28522468, 0.267864972, -0.0693745166, 0.211477309, -0.824931144, 1.84550416], [-0.351113468, 1.12023032, 1.45939159, -0.585235417, 0.576381147, 1.59297836, 1.4582454, 0.751768887], [0.439705342, 0.0788504481, 1.26876688, 0.583060622, 0.124291271, -4.727070e-01, -1.35265708, -0.173523679], [1.86445737, -0.483612061, -0.641222835, -0.240662083, -0.21286878, -0.559174955, 0.64323759, 0.325793236]]> : tensor<8x8xf32>
    %cst_15 = stablehlo.constant dense<[[1.08489585, 0.839436411, 1.29875422, -0.186518282, 1.27732241, -0.351113468, 0.439705342, 1.86445737], [-0.939865171, -0.354214728, -0.349110246, -1.98254812, -1.34472346, 1.12023032, 0.0788504481, -0.483612061], [-1.36395848, -0.223280549, -0.646796584, -0.784579157, -1.28522468, 1.45939159, 1.26876688, -0.641222835], [-2.01726317, -0.215911761, -1.52014077, -1.08361149, 0.267864972, -0.585235417, 0.583060622, -0.240662083], [-1.11299825, 0.99910593, 0.966247439, 2.17839527, -0.0693745166, 0.576381147, 0.124291271, -0.21286878], [0.45987767, -0.384189844, -0.591702461, 1.34686589, 0.211477309, 1.59297836, -4.727070e-01, -0.559174955], [-0.325547934, -0.0145021342, -0.0703882426, 0.438076764, -0.824931144, 1.4582454, -1.35265708, 0.64323759], [1.66163409, -0.735444307, -0.410446733, 2.48676372, 1.84550416, 0.751768887, -0.173523679, 0.325793236]]> : tensor<8x8xf32>
    %cst_16 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%arg2 init: %cst_16) applies stablehlo.add across dimensions = [2] : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?xf32>
    %1 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %2 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %3 = stablehlo.concatenate %1, %2, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %4 = stablehlo.dynamic_broadcast_in_dim %0, %3, dims = [0, 1] : (tensor<?x?xf32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %5 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %6 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %7 = stablehlo.concatenate %5, %6, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %8 = stablehlo.dynamic_broadcast_in_dim %cst_9, %7, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %9 = stablehlo.divide %4, %8 : tensor<?x?x1xf32>
    %10 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %11 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %12 = stablehlo.concatenate %10, %11, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %13 = stablehlo.dynamic_broadcast_in_dim %9, %12, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %14 = stablehlo.subtract %arg2, %13 : tensor<?x?x8xf32>
    %15 = call @_var(%arg0, %arg1, %arg2, %c_7) : (tensor<i32>, tensor<i32>, tensor<?x?x8xf32>, tensor<i32>) -> tensor<?x?x1xf32>
    %16 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %17 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %18 = stablehlo.concatenate %16, %17, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %19 = stablehlo.dynamic_broadcast_in_dim %cst_6, %18, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %20 = stablehlo.add %15, %19 : tensor<?x?x1xf32>
    %21 = stablehlo.sqrt %20 : tensor<?x?x1xf32>
    %22 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %23 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %24 = stablehlo.concatenate %22, %23, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %25 = stablehlo.dynamic_broadcast_in_dim %21, %24, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %26 = stablehlo.divide %14, %25 : tensor<?x?x8xf32>
    %27 = stablehlo.dot_general %26, %cst_11, contracting_dims = [2] x [0] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
    %28 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %29 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %30 = stablehlo.concatenate %28, %29, %c_5, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %31 = stablehlo.dynamic_reshape %27, %30 : (tensor<?x?x8xf32>, tensor<4xi32>) -> tensor<?x?x2x4xf32>
    %32 = stablehlo.transpose %31, dims = [0, 2, 1, 3] : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
    %33 = stablehlo.reduce(%arg2 init: %cst_16) applies stablehlo.add across dimensions = [2] : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?xf32>
    %34 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %35 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %36 = stablehlo.concatenate %34, %35, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %37 = stablehlo.dynamic_broadcast_in_dim %33, %36, dims = [0, 1] : (tensor<?x?xf32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %38 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %39 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %40 = stablehlo.concatenate %38, %39, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %41 = stablehlo.dynamic_broadcast_in_dim %cst_9, %40, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %42 = stablehlo.divide %37, %41 : tensor<?x?x1xf32>
    %43 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %44 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %45 = stablehlo.concatenate %43, %44, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %46 = stablehlo.dynamic_broadcast_in_dim %42, %45, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %47 = stablehlo.subtract %arg2, %46 : tensor<?x?x8xf32>
    %48 = call @_var(%arg0, %arg1, %arg2, %c_7) : (tensor<i32>, tensor<i32>, tensor<?x?x8xf32>, tensor<i32>) -> tensor<?x?x1xf32>
    %49 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %50 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %51 = stablehlo.concatenate %49, %50, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %52 = stablehlo.dynamic_broadcast_in_dim %cst_6, %51, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %53 = stablehlo.add %48, %52 : tensor<?x?x1xf32>
    %54 = stablehlo.sqrt %53 : tensor<?x?x1xf32>
    %55 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %56 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %57 = stablehlo.concatenate %55, %56, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %58 = stablehlo.dynamic_broadcast_in_dim %54, %57, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %59 = stablehlo.divide %47, %58 : tensor<?x?x8xf32>
    %60 = stablehlo.dot_general %59, %cst_12, contracting_dims = [2] x [0] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
    %61 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %62 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %63 = stablehlo.concatenate %61, %62, %c_5, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %64 = stablehlo.dynamic_reshape %60, %63 : (tensor<?x?x8xf32>, tensor<4xi32>) -> tensor<?x?x2x4xf32>
    %65 = stablehlo.transpose %64, dims = [0, 2, 1, 3] : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
    %66 = stablehlo.reduce(%arg2 init: %cst_16) applies stablehlo.add across dimensions = [2] : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?xf32>
    %67 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %68 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %69 = stablehlo.concatenate %67, %68, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %70 = stablehlo.dynamic_broadcast_in_dim %66, %69, dims = [0, 1] : (tensor<?x?xf32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %71 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %72 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %73 = stablehlo.concatenate %71, %72, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %74 = stablehlo.dynamic_broadcast_in_dim %cst_9, %73, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %75 = stablehlo.divide %70, %74 : tensor<?x?x1xf32>
    %76 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %77 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %78 = stablehlo.concatenate %76, %77, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %79 = stablehlo.dynamic_broadcast_in_dim %75, %78, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %80 = stablehlo.subtract %arg2, %79 : tensor<?x?x8xf32>
    %81 = call @_var(%arg0, %arg1, %arg2, %c_7) : (tensor<i32>, tensor<i32>, tensor<?x?x8xf32>, tensor<i32>) -> tensor<?x?x1xf32>
    %82 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %83 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %84 = stablehlo.concatenate %82, %83, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %85 = stablehlo.dynamic_broadcast_in_dim %cst_6, %84, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %86 = stablehlo.add %81, %85 : tensor<?x?x1xf32>
    %87 = stablehlo.sqrt %86 : tensor<?x?x1xf32>
    %88 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %89 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %90 = stablehlo.concatenate %88, %89, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %91 = stablehlo.dynamic_broadcast_in_dim %87, %90, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %92 = stablehlo.divide %80, %91 : tensor<?x?x8xf32>
    %93 = stablehlo.dot_general %92, %cst_13, contracting_dims = [2] x [0] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
    %94 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %95 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %96 = stablehlo.concatenate %94, %95, %c_5, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %97 = stablehlo.dynamic_reshape %93, %96 : (tensor<?x?x8xf32>, tensor<4xi32>) -> tensor<?x?x2x4xf32>
    %98 = stablehlo.transpose %97, dims = [0, 2, 1, 3] : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
    %99 = stablehlo.transpose %65, dims = [0, 1, 3, 2] : (tensor<?x2x?x4xf32>) -> tensor<?x2x4x?xf32>
    %100 = stablehlo.dot_general %32, %99, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<?x2x?x4xf32>, tensor<?x2x4x?xf32>) -> tensor<?x2x?x?xf32>
    %101 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %102 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %103 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %104 = stablehlo.concatenate %101, %c_5, %102, %103, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %105 = stablehlo.dynamic_broadcast_in_dim %cst_4, %104, dims = [] : (tensor<f32>, tensor<4xi32>) -> tensor<?x2x?x?xf32>
    %106 = stablehlo.divide %100, %105 : tensor<?x2x?x?xf32>
    %107 = stablehlo.reduce(%106 init: %cst_3) applies stablehlo.maximum across dimensions = [3] : (tensor<?x2x?x?xf32>, tensor<f32>) -> tensor<?x2x?xf32>
    %108 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %109 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %110 = stablehlo.concatenate %108, %c_5, %109, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %111 = stablehlo.dynamic_broadcast_in_dim %cst_3, %110, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x2x?xf32>
    %112 = stablehlo.maximum %111, %107 : tensor<?x2x?xf32>
    %113 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %114 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %115 = stablehlo.concatenate %113, %c_5, %114, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %116 = stablehlo.dynamic_broadcast_in_dim %112, %115, dims = [0, 1, 2] : (tensor<?x2x?xf32>, tensor<4xi32>) -> tensor<?x2x?x1xf32>
    %117 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %118 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %119 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %120 = stablehlo.concatenate %117, %c_5, %118, %119, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %121 = stablehlo.dynamic_broadcast_in_dim %116, %120, dims = [0, 1, 2, 3] : (tensor<?x2x?x1xf32>, tensor<4xi32>) -> tensor<?x2x?x?xf32>
    %122 = stablehlo.subtract %106, %121 : tensor<?x2x?x?xf32>
    %123 = stablehlo.exponential %122 : tensor<?x2x?x?xf32>
    %124 = stablehlo.reduce(%123 init: %cst_16) applies stablehlo.add across dimensions = [3] : (tensor<?x2x?x?xf32>, tensor<f32>) -> tensor<?x2x?xf32>
    %125 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %126 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %127 = stablehlo.concatenate %125, %c_5, %126, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %128 = stablehlo.dynamic_broadcast_in_dim %124, %127, dims = [0, 1, 2] : (tensor<?x2x?xf32>, tensor<4xi32>) -> tensor<?x2x?x1xf32>
    %129 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %130 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %131 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %132 = stablehlo.concatenate %129, %c_5, %130, %131, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<4xi32>
    %133 = stablehlo.dynamic_broadcast_in_dim %128, %132, dims = [0, 1, 2, 3] : (tensor<?x2x?x1xf32>, tensor<4xi32>) -> tensor<?x2x?x?xf32>
    %134 = stablehlo.divide %123, %133 : tensor<?x2x?x?xf32>
    %135 = stablehlo.dot_general %134, %98, batching_dims = [0, 1] x [0, 1], contracting_dims = [3] x [2] : (tensor<?x2x?x?xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
    %136 = stablehlo.transpose %135, dims = [0, 2, 1, 3] : (tensor<?x2x?x4xf32>) -> tensor<?x?x2x4xf32>
    %137 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %138 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %139 = stablehlo.concatenate %137, %138, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %140 = stablehlo.dynamic_reshape %136, %139 : (tensor<?x?x2x4xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %141 = stablehlo.add %arg2, %140 : tensor<?x?x8xf32>
    %142 = stablehlo.reduce(%141 init: %cst_16) applies stablehlo.add across dimensions = [2] : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?xf32>
    %143 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %144 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %145 = stablehlo.concatenate %143, %144, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %146 = stablehlo.dynamic_broadcast_in_dim %142, %145, dims = [0, 1] : (tensor<?x?xf32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %147 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %148 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %149 = stablehlo.concatenate %147, %148, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %150 = stablehlo.dynamic_broadcast_in_dim %cst_9, %149, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %151 = stablehlo.divide %146, %150 : tensor<?x?x1xf32>
    %152 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %153 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %154 = stablehlo.concatenate %152, %153, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %155 = stablehlo.dynamic_broadcast_in_dim %151, %154, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %156 = stablehlo.subtract %141, %155 : tensor<?x?x8xf32>
    %157 = call @_var(%arg0, %arg1, %141, %c_7) : (tensor<i32>, tensor<i32>, tensor<?x?x8xf32>, tensor<i32>) -> tensor<?x?x1xf32>
    %158 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %159 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %160 = stablehlo.concatenate %158, %159, %c_10, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %161 = stablehlo.dynamic_broadcast_in_dim %cst_6, %160, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %162 = stablehlo.add %157, %161 : tensor<?x?x1xf32>
    %163 = stablehlo.sqrt %162 : tensor<?x?x1xf32>
    %164 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %165 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %166 = stablehlo.concatenate %164, %165, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %167 = stablehlo.dynamic_broadcast_in_dim %163, %166, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %168 = stablehlo.divide %156, %167 : tensor<?x?x8xf32>
    %169 = stablehlo.dot_general %168, %cst_14, contracting_dims = [2] x [0] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
    %170 = stablehlo.multiply %169, %169 : tensor<?x?x8xf32>
    %171 = stablehlo.multiply %170, %169 : tensor<?x?x8xf32>
    %172 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %173 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %174 = stablehlo.concatenate %172, %173, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %175 = stablehlo.dynamic_broadcast_in_dim %cst_2, %174, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %176 = stablehlo.multiply %175, %171 : tensor<?x?x8xf32>
    %177 = stablehlo.add %169, %176 : tensor<?x?x8xf32>
    %178 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %179 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %180 = stablehlo.concatenate %178, %179, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %181 = stablehlo.dynamic_broadcast_in_dim %cst_1, %180, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %182 = stablehlo.multiply %181, %177 : tensor<?x?x8xf32>
    %183 = stablehlo.tanh %182 : tensor<?x?x8xf32>
    %184 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %185 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %186 = stablehlo.concatenate %184, %185, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %187 = stablehlo.dynamic_broadcast_in_dim %cst_0, %186, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %188 = stablehlo.add %187, %183 : tensor<?x?x8xf32>
    %189 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %190 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %191 = stablehlo.concatenate %189, %190, %c_8, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %192 = stablehlo.dynamic_broadcast_in_dim %cst, %191, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %193 = stablehlo.multiply %192, %188 : tensor<?x?x8xf32>
    %194 = stablehlo.multiply %169, %193 : tensor<?x?x8xf32>
    %195 = stablehlo.dot_general %194, %cst_15, contracting_dims = [2] x [0] : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
    %196 = stablehlo.add %141, %195 : tensor<?x?x8xf32>
    return %196 : tensor<?x?x8xf32>
  }
  func.func private @_var(%arg0: tensor<i32> {jax.global_constant = "b"}, %arg1: tensor<i32> {jax.global_constant = "s"}, %arg2: tensor<?x?x8xf32>, %arg3: tensor<i32>) -> tensor<?x?x1xf32> {
    %cst = stablehlo.constant dense<0x7FC00000> : tensor<f32>
    %c = stablehlo.constant dense<8> : tensor<1xi32>
    %cst_0 = stablehlo.constant dense<8.000000e+00> : tensor<f32>
    %c_1 = stablehlo.constant dense<1> : tensor<1xi32>
    %cst_2 = stablehlo.constant dense<0.000000e+00> : tensor<f32>
    %0 = stablehlo.reduce(%arg2 init: %cst_2) applies stablehlo.add across dimensions = [2] : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?xf32>
    %1 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %2 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %3 = stablehlo.concatenate %1, %2, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %4 = stablehlo.dynamic_broadcast_in_dim %0, %3, dims = [0, 1] : (tensor<?x?xf32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %5 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %6 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %7 = stablehlo.concatenate %5, %6, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %8 = stablehlo.dynamic_broadcast_in_dim %cst_0, %7, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %9 = stablehlo.divide %4, %8 : tensor<?x?x1xf32>
    %10 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %11 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %12 = stablehlo.concatenate %10, %11, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %13 = stablehlo.dynamic_broadcast_in_dim %9, %12, dims = [0, 1, 2] : (tensor<?x?x1xf32>, tensor<3xi32>) -> tensor<?x?x8xf32>
    %14 = stablehlo.subtract %arg2, %13 : tensor<?x?x8xf32>
    %15 = stablehlo.multiply %14, %14 : tensor<?x?x8xf32>
    %16 = stablehlo.convert %arg3 : (tensor<i32>) -> tensor<f32>
    %17 = stablehlo.subtract %cst_0, %16 : tensor<f32>
    %18 = stablehlo.reduce(%15 init: %cst_2) applies stablehlo.add across dimensions = [2] : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?xf32>
    %19 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %20 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %21 = stablehlo.concatenate %19, %20, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %22 = stablehlo.dynamic_broadcast_in_dim %18, %21, dims = [0, 1] : (tensor<?x?xf32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %23 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %24 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %25 = stablehlo.concatenate %23, %24, %c_1, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %26 = stablehlo.dynamic_broadcast_in_dim %17, %25, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %27 = stablehlo.divide %22, %26 : tensor<?x?x1xf32>
    %28 = stablehlo.compare GT, %17, %cst_2, FLOAT : (tensor<f32>, tensor<f32>) -> tensor<i1>
    %29 = call @_where(%arg0, %arg1, %28, %27, %cst) : (tensor<i32>, tensor<i32>, tensor<i1>, tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
    return %29 : tensor<?x?x1xf32>
  }
  func.func private @_where(%arg0: tensor<i32> {jax.global_constant = "b"}, %arg1: tensor<i32> {jax.global_constant = "s"}, %arg2: tensor<i1>, %arg3: tensor<?x?x1xf32>, %arg4: tensor<f32>) -> tensor<?x?x1xf32> {
    %c = stablehlo.constant dense<1> : tensor<1xi32>
    %0 = stablehlo.convert %arg4 : tensor<f32>
    %1 = stablehlo.reshape %arg0 : (tensor<i32>) -> tensor<1xi32>
    %2 = stablehlo.reshape %arg1 : (tensor<i32>) -> tensor<1xi32>
    %3 = stablehlo.concatenate %1, %2, %c, dim = 0 : (tensor<1xi32>, tensor<1xi32>, tensor<1xi32>) -> tensor<3xi32>
    %4 = stablehlo.dynamic_broadcast_in_dim %0, %3, dims = [] : (tensor<f32>, tensor<3xi32>) -> tensor<?x?x1xf32>
    %5 = stablehlo.select %arg2, %arg3, %4 : tensor<i1>, tensor<?x?x1xf32>
    return %5 : tensor<?x?x1xf32>
  }
}
