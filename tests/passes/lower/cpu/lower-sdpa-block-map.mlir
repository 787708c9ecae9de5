// RUN: heed-opt %s --heed-lower-sdpa=mcpu=sapphirerapids --canonicalize --cse | FileCheck %s

#q = affine_map<(b, h, i, j, d, e) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d, e) -> (b, h, j, d)>
#v = affine_map<(b, h, i, j, d, e) -> (b, h, j, e)>
#o = affine_map<(b, h, i, j, d, e) -> (b, h, i, e)>
#b = affine_map<(b, h, i, j, d, e) -> (b)>
#j = affine_map<(b, h, i, j, d, e) -> (j)>
#bhj = affine_map<(b, h, i, j, d, e) -> (b, h floordiv 2, 0, j)>

// Keys 0 … 63 are open, 64 … 191 closed, of 192 … 255 the lower half of each 8 is open.
memref.global "private" constant @some_keys : memref<256xi1> = dense<"0xFFFFFFFFFFFFFFFF000000000000000000000000000000000F0F0F0F0F0F0F0F">
memref.global "private" constant @every_key : memref<256xi1> = dense<true>
memref.global "private" constant @no_key : memref<1x2x1x128xf32> = dense<0xFF800000>
memref.global "private" constant @least_float : memref<1x2x1x128xf32> = dense<0xFF7FFFFF>

// CHECK-DAG: memref.global "private" constant @heed_block_map_1 : memref<2x3xi32> = dense<{{\[\[}}0, 64, 1], [192, 64, 0]]>
// CHECK-DAG: memref.global "private" constant @heed_block_map_0 : memref<2xi32> = dense<[0, 2]>
// Four heads of a block each, without a key.
// CHECK-DAG: memref.global "private" constant @heed_block_map_3 : memref<1x3xi32> = dense<0>
// CHECK-DAG: memref.global "private" constant @heed_block_map_2 : memref<5xi32> = dense<0>

// The mask is read only where a run is not open throughout.
// CHECK-LABEL: func @mask
// CHECK-DAG: %[[T:.*]] = memref.get_global @heed_block_map_0
// CHECK-DAG: %[[R:.*]] = memref.get_global @heed_block_map_1
// CHECK: memref.load %[[T]][%{{.*}}] : memref<2xi32>
// CHECK: memref.load %[[T]][%{{.*}}] : memref<2xi32>
// CHECK: scf.for %[[LOOP:.*]] = %{{.*}} to %{{.*}} step %c1
// CHECK-DAG: memref.load %[[R]][%[[LOOP]], %c0]
// CHECK-DAG: memref.load %[[R]][%[[LOOP]], %c1]
// CHECK: %[[MIXED:.*]] = arith.cmpi eq
// CHECK: scf.if %[[MIXED]]
// CHECK-NEXT: scf.for
// CHECK: llvm.load
func.func @mask(%q: memref<1x1x8x64xf32>, %k: memref<1x1x256x64xf32>, %o: memref<1x1x8x64xf32>) {
  %m = memref.get_global @some_keys : memref<256xi1>
  attn.sdpa ins(%q, %k, %k : memref<1x1x8x64xf32>, memref<1x1x256x64xf32>, memref<1x1x256x64xf32>) mask(%m : memref<256xi1>)
      outs(%o : memref<1x1x8x64xf32>) maps = [#q, #k, #v, #j, #o] {scale = 0.3 : f64}
  return
}

// kv_length cuts a run, or leaves nothing of it. The tables are those of above.
// CHECK-LABEL: func @kv_length
// CHECK: memref.get_global @heed_block_map_0
// CHECK: %[[END:.*]] = arith.minsi
// CHECK: arith.cmpi sgt, %{{.*}}, %c0
// CHECK: scf.if
func.func @kv_length(%q: memref<1x1x8x64xf32>, %k: memref<1x1x256x64xf32>, %n: memref<1xi64>, %o: memref<1x1x8x64xf32>) {
  %m = memref.get_global @some_keys : memref<256xi1>
  attn.sdpa ins(%q, %k, %k : memref<1x1x8x64xf32>, memref<1x1x256x64xf32>, memref<1x1x256x64xf32>) mask(%m : memref<256xi1>)
      kv_length(%n : memref<1xi64>) outs(%o : memref<1x1x8x64xf32>) maps = [#q, #k, #v, #j, #b, #o] {scale = 0.3 : f64}
  return
}

// CHECK-LABEL: func @grouped_bias
// CHECK-DAG: memref.get_global @heed_block_map_3
// CHECK-DAG: memref.get_global @heed_block_map_2
func.func @grouped_bias(%q: memref<1x4x8x64xf32>, %k: memref<1x4x128x64xf32>, %o: memref<1x4x8x64xf32>) {
  %m = memref.get_global @no_key : memref<1x2x1x128xf32>
  attn.sdpa ins(%q, %k, %k : memref<1x4x8x64xf32>, memref<1x4x128x64xf32>, memref<1x4x128x64xf32>) bias(%m : memref<1x2x1x128xf32>)
      outs(%o : memref<1x4x8x64xf32>) maps = [#q, #k, #v, #bhj, #o] {scale = 0.3 : f64}
  return
}

// The smallest float is not closed.
// CHECK-LABEL: func @finite
// CHECK-NOT: heed_block_map
func.func @finite(%q: memref<1x4x8x64xf32>, %k: memref<1x4x128x64xf32>, %o: memref<1x4x8x64xf32>) {
  %m = memref.get_global @least_float : memref<1x2x1x128xf32>
  attn.sdpa ins(%q, %k, %k : memref<1x4x8x64xf32>, memref<1x4x128x64xf32>, memref<1x4x128x64xf32>) bias(%m : memref<1x2x1x128xf32>)
      outs(%o : memref<1x4x8x64xf32>) maps = [#q, #k, #v, #bhj, #o] {scale = 0.3 : f64}
  return
}

// A region may open what −inf closes.
// CHECK-LABEL: func @region
// CHECK-NOT: heed_block_map
func.func @region(%q: memref<1x4x8x64xf32>, %k: memref<1x4x128x64xf32>, %o: memref<1x4x8x64xf32>) {
  %m = memref.get_global @no_key : memref<1x2x1x128xf32>
  attn.sdpa ins(%q, %k, %k : memref<1x4x8x64xf32>, memref<1x4x128x64xf32>, memref<1x4x128x64xf32>) bias(%m : memref<1x2x1x128xf32>)
      outs(%o : memref<1x4x8x64xf32>) maps = [#q, #k, #v, #bhj, #o] score {
    ^bb0(%s: f32, %b: index, %h: index, %i: index, %j: index):
      %t = math.exp %s : f32
      attn.yield %t : f32
    }
  return
}

// CHECK-LABEL: func @all_open
// CHECK-NOT: heed_block_map
func.func @all_open(%q: memref<1x1x8x64xf32>, %k: memref<1x1x256x64xf32>, %o: memref<1x1x8x64xf32>) {
  %m = memref.get_global @every_key : memref<256xi1>
  attn.sdpa ins(%q, %k, %k : memref<1x1x8x64xf32>, memref<1x1x256x64xf32>, memref<1x1x256x64xf32>) mask(%m : memref<256xi1>)
      outs(%o : memref<1x1x8x64xf32>) maps = [#q, #k, #v, #j, #o]
  return
}

// CHECK-LABEL: func @argument
// CHECK-NOT: heed_block_map
func.func @argument(%q: memref<1x1x8x64xf32>, %k: memref<1x1x256x64xf32>, %m: memref<256xi1>, %o: memref<1x1x8x64xf32>) {
  attn.sdpa ins(%q, %k, %k : memref<1x1x8x64xf32>, memref<1x1x256x64xf32>, memref<1x1x256x64xf32>) mask(%m : memref<256xi1>)
      outs(%o : memref<1x1x8x64xf32>) maps = [#q, #k, #v, #j, #o]
  return
}
