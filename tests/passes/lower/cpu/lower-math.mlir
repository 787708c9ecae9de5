// RUN: heed-opt %s --heed-lower-math | FileCheck %s

// CHECK-LABEL: func @exp
// CHECK-NOT: math.exp
// CHECK: math.fma
func.func @exp(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// CHECK-LABEL: func @exp_of_vectors
// CHECK-NOT: math.exp
// CHECK: math.fma {{.*}} : vector<8xf32>
func.func @exp_of_vectors(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func @tanh
// CHECK-NOT: math.tanh
// CHECK: math.fma
func.func @tanh(%x: f32) -> f32 {
  %0 = math.tanh %x : f32
  return %0 : f32
}

// CHECK-LABEL: func @erf
// CHECK-NOT: math.erf
// CHECK: math.fma
func.func @erf(%x: f32) -> f32 {
  %0 = math.erf %x : f32
  return %0 : f32
}

// CHECK-LABEL: func @log
// CHECK-NOT: math.log
// CHECK: math.fma
func.func @log(%x: f32) -> f32 {
  %0 = math.log %x : f32
  return %0 : f32
}

// The polynomials of sin and cos lose digits at large arguments.
// CHECK-LABEL: func @sin_and_cos_stay
// CHECK: math.sin
// CHECK: math.cos
func.func @sin_and_cos_stay(%x: f32) -> (f32, f32) {
  %0 = math.sin %x : f32
  %1 = math.cos %x : f32
  return %0, %1 : f32, f32
}

// No polynomial is as exact as an f64.
// CHECK-LABEL: func @f64_stays
// CHECK: math.exp {{.*}} : f64
func.func @f64_stays(%x: f64) -> f64 {
  %0 = math.exp %x : f64
  return %0 : f64
}
