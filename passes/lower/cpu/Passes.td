// Passes.td - linalg and attn on the CPU: from tensors to calls and LLVM.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_CPU_PASSES_TD
#define HEED_PASSES_LOWER_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerBuffers : Pass<"heed-lower-buffers", "::mlir::ModuleOp"> {
  let summary = "Turn tensors into memrefs; arguments are never written";
  let description = [{
    Upstream's one-shot module bufferisation with contiguous buffers at function
    boundaries. Arguments are marked read-only first, so an op that would write
    over a caller's input copies it. A cache that goes from @main's arguments
    through a layer to the results is copied in @main.

    ```mlir
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32>
    // becomes
    func.func @main(%x: memref<4xf32>) -> memref<4xf32>
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def LowerEntry : Pass<"heed-lower-entry", "::mlir::ModuleOp"> {
  let summary = "Make @main take the runtime's context and return its status";
  let description = [{
    Inputs are asked from the runtime, results are written into the caller's
    buffers. Every later pass finds the context as argument 0. A result that
    begins as a copy of an input without another use is not copied where the
    caller gives both the same memory; `attn.in_place` lists the pairs of
    result and input. Layers get the context, too, and return the status, at
    which @main stops.

    ```mlir
    func.func @main(%x: memref<?x4xf32>) -> memref<?x4xf32>
    // becomes
    func.func @main(%ctx: !llvm.ptr) -> i32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def LowerLoops : Pass<"heed-lower-loops", "::mlir::ModuleOp"> {
  let summary = "Lower linalg on memrefs to loops, parallel outside";
  let description = [{
    The native path for every linalg op, for any shape: outer parallel
    dimensions flattened into one `scf.parallel`, reductions serial, innermost
    the dimension that most operands walk contiguously. Runs of dimensions that
    are contiguous in all operands become one first.

    ```mlir
    linalg.generic … ins(%x : memref<8x64xf32>) outs(%y : memref<8x64xf32>)
    // becomes
    scf.parallel (%i) = (%c0) to (%c512) step (%c1) { load, compute, store }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def LowerSoftmax : Pass<"heed-lower-softmax", "::mlir::ModuleOp"> {
  let summary = "Expand linalg.softmax on buffers to vector code, slices in parallel";
  let description = [{
    For the softmaxes that are not part of an attention. A slice is read for its
    maximum, then for the exponentials, which are stored and summed, and then
    scaled, the last two out of the cache: along the slice where that is
    contiguous, along the neighbouring slices where those are.

    Before:

    ```mlir
    linalg.softmax dimension(1) ins(%x : memref<40x6625xf32>) outs(%y : memref<40x6625xf32>)
    ```

    After:

    ```mlir
    scf.parallel (%row) = (%c0) to (%c40) step (%c1) {
      // the row's maximum, four vectors at a time
      // y = 2^((x - max) * log2 e) and its sum
      // y * (1 / sum), vector by vector
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def LowerWeights : Pass<"heed-lower-weights", "::mlir::ModuleOp"> {
  let summary = "Turn large constants into entries of a table of the caller";
  let description = [{
    Weights never enter LLVM IR: that costs seconds and copies. The module
    attribute `attn.weights` lists the constants in table order. The weights of
    a layer are a row for each call, which passes the number of its first.

    ```mlir
    %w = memref.get_global @w : memref<64x64xf32>
    // becomes
    %p = llvm.call @heed_weight(%ctx, %c0) : (!llvm.ptr, i64) -> !llvm.ptr
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerSizes : Pass<"heed-lower-sizes", "::mlir::ModuleOp"> {
  let summary = "Replace the sizes of views by what the views were made of";
  let description = [{
    So that the memory planner knows every size before the first buffer.

    ```mlir
    %c = memref.collapse_shape %a [[0, 1]] : memref<?x4xf32> into memref<?xf32>
    %n = memref.dim %c, %c0 : memref<?xf32>
    // becomes, where %a = memref.alloc(%m)
    %n = arith.muli %m, %c4 : index
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def LowerArena : Pass<"heed-lower-arena", "::mlir::ModuleOp"> {
  let summary = "Plan all allocations of a function into one arena";
  let description = [{
    Buffers whose lives do not overlap share bytes; dynamic sizes are planned
    as slots whose sizes are computed at run time. What the body of a serial
    loop allocates is made once, in front of it. Buffers whose sizes depend on
    data that is computed after the first allocation lie in further parts
    (`heed_arena_part`), asked for where their sizes are known; such sizes are
    checked. A layer's scratch memory is a buffer that its callers allocate.
    Compiled code never allocates otherwise.

    ```mlir
    %a = memref.alloc() : memref<64xf32>
    // becomes
    %arena = llvm.call @heed_arena(%ctx, %bytes) : (!llvm.ptr, i64) -> !llvm.ptr
    %a = memref.view %bytes[%offset][] : memref<?xi8> to memref<64xf32>
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerWorkspace : Pass<"heed-lower-workspace", "::mlir::ModuleOp"> {
  let summary = "Make a function that counts the scratch memory of @main from the inputs' sizes";
  let description = [{
    Copies the arithmetic on sizes alone, so that a caller learns what memory a
    run will ask for before it runs. Where sizes depend on data, there is no such
    function.

    ```mlir
    %n = llvm.call @heed_input_dim(%ctx, %i, %d) : (!llvm.ptr, i64, i64) -> i64
    %p = llvm.call @heed_arena(%ctx, %n) : (!llvm.ptr, i64) -> !llvm.ptr
    // in @main, gives
    func.func @heed_workspace(%ctx: !llvm.ptr) -> i32 {
      %n = llvm.call @heed_input_dim(%ctx, %i, %d) : (!llvm.ptr, i64, i64) -> i64
      llvm.call @heed_count_arena(%ctx, %part, %n) : (!llvm.ptr, i64, i64) -> ()
      …
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect"];
}

def LowerParallel : Pass<"heed-lower-parallel", "::mlir::ModuleOp"> {
  let summary = "Outline outermost parallel loops for heed_parallel_for";
  let description = [{
    One pool of threads, shared with oneDNN, is the runtime's business; the
    number of threads is known at run time only. Loops side by side share a fork.

    ```mlir
    scf.parallel (%i) = (%c0) to (%n) step (%c1) { … }
    // becomes
    llvm.call @heed_parallel_for(%ctx, %n, %cost, @main_parallel_0, %frame)
    // and a run of such loops
    llvm.call @heed_parallel_region(%ctx, %count, %loops)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::scf::SCFDialect"];
}

def LowerAssert : Pass<"heed-lower-assert", "::mlir::ModuleOp"> {
  let summary = "Lower cf.assert to an early return with an error message";
  let description = [{
    Shapes that a model's author promised are checked at run time, before they
    are used.

    ```mlir
    cf.assert %ok, "batch sizes differ"
    // becomes
    cf.cond_br %ok, ^rest, ^fail   // ^fail: heed_fail(ctx, message), return
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerMath : Pass<"heed-lower-math", "::mlir::ModuleOp"> {
  let summary = "Expand exp, tanh, erf and log into vectorisable polynomials";
  let description = [{
    Upstream's polynomial approximations (f32, about one unit in the last
    place) for the functions that stand in inner loops.

    ```mlir
    %y = math.exp %x : f32
    // becomes arith and math.fma only
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerGate : Pass<"heed-lower-gate", "::mlir::ModuleOp"> {
  let summary = "Expand attn.gate on buffers to a pool, its excitation and a scaling pass";
  let description = [{
    The pools of a gate become one parallel loop nest over x with vector code,
    the small products and convolutions of `excite` vector code of few loops,
    and the epilogue is a second parallel loop nest, in place where x and init
    are one buffer. Neighbouring dims that are contiguous and all pooled or all
    kept are visited as one. Ops of `excite` that are nothing small stay.

    Several images are done one after another, each by one thread, where each
    thread gets as many or at least four (`heed_num_threads`, at run time): an
    image is then scaled out of the cache. A result that is more than the caches
    hold is stored past them. Vectors lie along the last dim, pooled or not: of
    blocked layouts along the channels of a block.

    Of two gates in a row, CBAM's, the second takes the first one's result from
    registers: its pools multiply on the fly and the last pass applies both, so
    that x is read three times and written once.

    Before:

    ```mlir
    attn.gate ins(%x : memref<1x64x56x56xf32>) outs(%x : memref<1x64x56x56xf32>)
        dimensions = [2, 3] pools = [avg] excite {
      ^bb0(%p: memref<1x64xf32>):
        linalg.matmul ins(%p, %w : memref<1x64xf32>, memref<64x64xf32>) outs(%g : memref<1x64xf32>)
        attn.yield %g : memref<1x64xf32>
      }
    ```

    After:

    ```mlir
    %xv = memref.collapse_shape %x [[0, 1], [2, 3]] : memref<1x64x56x56xf32> into memref<64x3136xf32>
    %p = memref.alloc() : memref<1x64xf32>
    scf.parallel (%c) = (%c0) to (%c64) step (%c1) {
      // sums of row %c, four vectors at a time, then divided by 3136
    }
    scf.for %k = %c0 to %c64 step %c1 iter_args(…) {
      // p[k] times row %k of w, eight vectors at a time
    }
    scf.parallel (%c) = (%c0) to (%c64) step (%c1) {
      // row %c of x, times the gate of %c
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def LowerNorm : Pass<"heed-lower-norm", "::mlir::ModuleOp"> {
  let summary = "Expand attn.norm on buffers to one parallel loop over its slices";
  let description = [{
    A slice is what is normalised together. Its sum, the sum of its squared
    distances to the mean, and the scaled result are three passes of vector code
    over it, the last two out of the cache: along the slice where that is
    contiguous, along the neighbouring slices where those are. In place where x
    and init are one buffer.

    Before:

    ```mlir
    attn.norm layer ins(%x : memref<128x768xf32>) weight(%w : memref<768xf32>) over [1]
        outs(%x : memref<128x768xf32>) dimensions = [1] epsilon = 1.000000e-05
    ```

    After:

    ```mlir
    scf.parallel (%row) = (%c0) to (%c128) step (%c1) {
      // the row's mean, then 1 / sqrt(variance + epsilon), four vectors at a time
      // (x - mean) * root * w, vector by vector
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect",
    "::mlir::vector::VectorDialect"
  ];
}

def LowerRowProduct : Pass<"heed-lower-row-product", "::mlir::ModuleOp"> {
  let summary = "Expand products with one row to vector code that reads several streams";
  let description = [{
    Contractions of f32 of constant sizes with one row and no batch: each weight
    is read once, so the time is that of reading memory. A core reads four
    streams faster than one; tasks share the rows of the matrix, and their sums
    are added at the end.

    Before:

    ```mlir
    linalg.matmul ins(%x, %w : memref<1x512xf32>, memref<512x512xf32>) outs(%y : memref<1x512xf32>)
    ```

    After:

    ```mlir
    %sums = memref.alloc() : memref<4x512xf32>
    scf.parallel (%part) = (%c0) to (%c4) step (%c1) {
      // 32 times: four rows of w, 32 rows apart, times their elements of x, added to row %part of the sums
    }
    scf.parallel (%column) = (%c0) to (%c32) step (%c1) {
      // y += the sums
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def LowerExpandShape : Pass<"heed-lower-expand-shape", "::mlir::ModuleOp"> {
  let summary = "Make views of the memref.expand_shape ops with several dynamic sizes in a group";
  let description = [{
    Runs before upstream's `expand-strided-metadata`, which takes one dynamic
    size a group and crashes on more.

    Before:

    ```mlir
    %e = memref.expand_shape %a [[0, 1], [2]] output_shape [%i, %j, 4] : memref<?x4xf32> into memref<?x?x4xf32>
    ```

    After:

    ```mlir
    %base, %offset, %sizes:2, %strides:2 = memref.extract_strided_metadata %a : memref<?x4xf32> -> memref<f32>, index, index, index, index, index
    %s = affine.apply affine_map<()[s0] -> (s0 * 4)>()[%j]
    %e = memref.reinterpret_cast %base to offset: [0], sizes: [%i, %j, 4], strides: [%s, 4, 1] : memref<f32> to memref<?x?x4xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect",
    "::mlir::memref::MemRefDialect"
  ];
}

def LowerRope : Pass<"heed-lower-rope", "::mlir::ModuleOp"> {
  let summary = "Expand attn.rope on buffers to one parallel loop over its rows";
  let description = [{
    Vectors of pairs are loaded, turned and stored, in place where x and init
    are one buffer. Where x or a table is not contiguous, scalars.

    Before:

    ```mlir
    attn.rope ins(%x : memref<512x32x128xf32>) cos(%c : memref<512x64xf32>) over [0, 2] sin(%s : memref<512x64xf32>) over [0, 2]
        outs(%x : memref<512x32x128xf32>) dimension = 2 rotated = 128
    ```

    After:

    ```mlir
    scf.parallel (%i) = (%c0) to (%c512) step (%c1) {
      scf.for %h = %c0 to %c32 step %c1 {
        // y[k] = x[k] * c[k] - x[k + 64] * s[k], y[k + 64] = x[k + 64] * c[k] + x[k] * s[k]
      }
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

def DecomposeUnsupported : Pass<"heed-decompose-unsupported", "::mlir::ModuleOp"> {
  let summary = "Replace attn ops that their CPU kernels cannot hold by their definition";
  let description = [{
    The kernel of `heed-lower-sdpa` is for f32 and constant sizes of d and e up
    to 512, that of `heed-lower-rope` for f32 and pairs along the last dimension.
    What is not so is decomposed here, on tensors, so that everything compiles.

    Before:

    ```mlir
    %o = attn.sdpa ins(%q, %k, %v : tensor<1x8x16x64xf16>, tensor<1x8x16x64xf16>, tensor<1x8x16x64xf16>)
        outs(%init : tensor<1x8x16x64xf16>) maps = [#q, #k, #v, #o] -> tensor<1x8x16x64xf16>
    ```

    After: `linalg.generic` ops as from `heed-decompose`.
  }];
}

def LowerSdpa : Pass<"heed-lower-sdpa", "::mlir::ModuleOp"> {
  let summary = "Expand attn.sdpa on buffers to a flash schedule in vector code";
  let description = [{
    Keys are packed once a head into panels of the register tile (values only
    where their rows are not contiguous); then blocks of queries run in
    parallel, each over the blocks of keys that it attends, with an online
    softmax. Memory is linear in the sequence: a tile of scores on the stack of
    a task. Blocks that are masked for all of their queries (causal, window,
    kv_length, and constants as mask or as bias with -inf) are skipped.

    Before:

    ```mlir
    attn.sdpa ins(%q, %k, %v : memref<1x8x128x64xf32>, memref<1x8x128x64xf32>, memref<1x8x128x64xf32>)
        outs(%o : memref<1x8x128x64xf32>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
    ```

    After (AVX-512):

    ```mlir
    %kt = memref.alloc() {alignment = 64 : i64} : memref<1x8x2x64x64xf32>
    scf.parallel (%b, %h, %p) = (%c0, %c0, %c0) to (%c1, %c8, %c2) step (%c1, %c1, %c1) {
      // panel %p of the keys, transposed by 16 x 16 squares
    }
    scf.parallel (%b, %h, %i) = (%c0, %c0, %c0) to (%c1, %c8, %c1) step (%c1, %c1, %c1) {
      %s = memref.alloca() : memref<128x144xf32>
      // s = q·kt by tiles of 6 x 4 vectors; p = 2^(s - m);
      // o = p·v by tiles; o / l
    }
    ```
  }];
  let options = [
    Option<"mcpu", "mcpu", "std::string", "",
           "CPU to generate code for, a name that llc knows (default: the host)">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect",
    "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"
  ];
}

#endif // HEED_PASSES_LOWER_CPU_PASSES_TD
