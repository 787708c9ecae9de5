// Passes.td - attn on NVIDIA GPUs: from buffers to kernels.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_PASSES_LOWER_GPU_PASSES_TD
#define HEED_PASSES_LOWER_GPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerGpuSdpa : Pass<"heed-lower-gpu-sdpa", "::mlir::ModuleOp"> {
  let summary = "Turn attn.sdpa on buffers into kernels of tensor cores and their launches";
  let description = [{
    FlashAttention's forward pass for sm_80 and later: mma.sync on f16, bf16 or,
    as tf32 in two parts with f32's errors, on f32; scores and sums in f32, keys
    and values copied into shared memory beside the products, blocks that nothing
    attends skipped. On sm_90a more than 64 queries of 16-bit elements are the work
    of warpgroups (wgmma), of which one copies (TMA). Tensors may have any strides;
    heads have up to 256 elements. Equal attentions share a kernel. What the kernel
    does not hold stays as it is; a remark says why.

    A launch is one block of threads for each block of queries, head and batch;
    a grid with an empty dim means that there is nothing to do. Where that leaves
    the GPU idle, for few queries and many keys, blocks take a part of the keys
    each, and a second launch combines them.

    Before:

    ```mlir
    attn.sdpa ins(%q, %k, %v : memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>, memref<1x8x512x64xbf16>)
        outs(%o : memref<1x8x512x64xbf16>) maps = [#q, #k, #v, #o] {scale = 1.250000e-01 : f64}
    ```

    After:

    ```mlir
    gpu.launch_func @heed_kernels::@sdpa_0 blocks in (%c4, %c8, %c1) threads in (%c256, %c1, %c1)
        dynamic_shared_memory_size %c55296_i32 args(%q_pointer : !llvm.ptr, …)
    gpu.module @heed_kernels [#nvvm.target<O = 3, chip = "sm_80", features = "+ptx80">] {
      llvm.func @sdpa_0(%arg0: !llvm.ptr, …) attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 256, 1, 1>}
    }
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "GPU to generate code for: sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or sm_120">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::heed::hopper::HopperDialect", "::mlir::LLVM::LLVMDialect",
    "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerGpuGate : Pass<"heed-lower-gpu-gate", "::mlir::ModuleOp"> {
  let summary = "Turn attn.gate on buffers into kernels and their launches";
  let description = [{
    For squeeze-and-excitation, ECA and both gates of CBAM, of channels first or
    last. An image is a matrix of rows by columns of which a gate pools one: NCHW
    is C rows of HW columns. A launch pools, all pools in one pass over x; a
    launch scales, 16 bytes a thread. A small excitation is computed by each block
    of the launch that needs it, in shared memory; a larger one by a launch of its
    own, one block an image. A gate of the result of another one reads x and both
    gates' values: what is between them is never stored. Where an image fits, a
    cluster of blocks (sm_90) does all of it in one launch, with x in the blocks'
    shared memory.

    Sums are f32; the pools and the gate's values are rounded to the element type,
    the scalars of bodies and epilogues are not. Buffers have less than 2^31
    elements. What is not held stays as it is; a remark says why.

    Before:

    ```mlir
    attn.gate ins(%x : memref<8x64x56x56xf32>) outs(%x : memref<8x64x56x56xf32>) dimensions = [2, 3] pools = [avg] excite { … }
    ```

    After:

    ```mlir
    %p = memref.alloc() : memref<8x64xf32>
    gpu.launch_func @heed_kernels::@gate_pools_0 blocks in (%c8, %c8, %c1) threads in (%c256, %c1, %c1) args(%x_pointer : !llvm.ptr, %p_pointer : !llvm.ptr)
    gpu.launch_func @heed_kernels::@gate_scale_1 blocks in (%c13, %c8, %c1) threads in (%c256, %c1, %c1) args(%x_pointer : !llvm.ptr, %p_pointer : !llvm.ptr, …)
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "GPU to generate code for: sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or sm_120">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerGpuRow : Pass<"heed-lower-gpu-row", "::mlir::ModuleOp"> {
  let summary = "Turn norms and softmaxes along rows into kernels and their launches";
  let description = [{
    attn.norm over the last dims and linalg.softmax along the last one, of
    contiguous buffers. A warp takes a row of up to 2 KB, a block a longer one; a
    row of constant size is read once, 16 bytes a thread, and stays in registers
    until the result is stored. Others are read again for each pass, out of the
    caches. Sums are f32. What is not held stays as it is; a remark says why.

    Before:

    ```mlir
    linalg.softmax dimension(1) ins(%x : memref<64x512xf16>) outs(%y : memref<64x512xf16>)
    ```

    After:

    ```mlir
    gpu.launch_func @heed_kernels::@softmax_0 blocks in (%c8, %c1, %c1) threads in (%c256, %c1, %c1) args(%x_pointer : !llvm.ptr, %y_pointer : !llvm.ptr)
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "GPU to generate code for: sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or sm_120">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerGpuElementwise : Pass<"heed-lower-gpu-elementwise", "::mlir::ModuleOp"> {
  let summary = "Turn elementwise linalg, sums and copies on buffers into kernels and their launches";
  let description = [{
    linalg ops with a result of floats: chains of functions, with operands that
    are broadcast, transposes, reductions that are no products. Integers and
    copies, too, whose result a launch or a primitive uses: masks, not sizes.
    Where all operands lie along the last loop or do not vary with it, a thread
    computes four vectors of 16 bytes; else an element. What is not held stays as
    it is; a remark says why.

    Before:

    ```mlir
    linalg.exp ins(%x : memref<64x512xf32>) outs(%y : memref<64x512xf32>)
    ```

    After:

    ```mlir
    gpu.launch_func @heed_kernels::@elementwise_0 blocks in (%c8, %c1, %c1) threads in (%c256, %c1, %c1) args(%x_pointer : !llvm.ptr, %y_pointer : !llvm.ptr)
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "GPU to generate code for: sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or sm_120">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerGpuRope : Pass<"heed-lower-gpu-rope", "::mlir::ModuleOp"> {
  let summary = "Turn attn.rope on buffers into kernels and their launches";
  let description = [{
    A thread turns the pairs of 16 bytes of each half, or one pair where they do
    not lie beside each other at multiples of 16 bytes; what passes through is
    copied where the result is another buffer.

    Before:

    ```mlir
    attn.rope ins(%x : memref<1x8x64x128xf16>) cos(%c : memref<64x64xf16>) over [2, 3] sin(%s : memref<64x64xf16>) over [2, 3]
        outs(%y : memref<1x8x64x128xf16>) dimension = 3 rotated = 128
    ```

    After:

    ```mlir
    gpu.launch_func @heed_kernels::@rope_0 blocks in (%c16, %c1, %c1) threads in (%c256, %c1, %c1)
        args(%x_pointer : !llvm.ptr, %y_pointer : !llvm.ptr, %c_pointer : !llvm.ptr, %s_pointer : !llvm.ptr)
    ```
  }];
  let options = [
    Option<"chip", "chip", "std::string", "\"sm_80\"",
           "GPU to generate code for: sm_80, sm_86, sm_87, sm_89, sm_90, sm_90a, sm_100 or sm_120">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::gpu::GPUDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
    "::mlir::scf::SCFDialect"
  ];
}

def LowerGpuMath : Pass<"heed-lower-gpu-math", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Functions of kernels by the ones that the GPU has: exp2, log2";
  let description = [{
    A GPU has instructions for 2^x and log2 x of two units in the last place; for
    the others LLVM would call CUDA's library of device code, which is not there
    without the toolkit. PTX's own tanh is no substitute: its error of 2^-11
    would be seen in a score that is capped at 50.

    | function | as |
    |---|---|
    | exp x | 2^(x·log2 e) |
    | log2 x | lg2.approx, by NVVM's intrinsic |
    | log x | log2 x · ln 2 |
    | tanh x | 1 − 2 / (1 + 2^(2x·log2 e)) |
    | erf x | MLIR's quotients of polynomials |

    ```mlir
    %y = math.exp %x : f32
    // becomes
    %0 = arith.mulf %x, %log2e : f32
    %y = math.exp2 %0 fastmath<afn> : f32
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect"];
}

def LowerGpuHopper : Pass<"heed-lower-gpu-hopper", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Products of a warpgroup as PTX";
  let description = [{
    The last pass of kernels before LLVM: from here on they cannot be run on a
    CPU.

    ```mlir
    %s:8 = hopper.wgmma bf16 a(%q : i64) b(%k : i64) : f32, f32, f32, f32, f32, f32, f32, f32
    %done:8 = hopper.wait 0 (%s#0, …) : f32, …
    // becomes
    %0 = llvm.inline_asm has_side_effects "wgmma.fence.sync.aligned; … wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 …", "=f,…,0,…,l,l" …
    %1 = llvm.inline_asm has_side_effects "wgmma.wait_group.sync.aligned 0;", "=f,…,0,…" …
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def LowerGpuLibrary : Pass<"heed-lower-gpu-library", "::mlir::ModuleOp"> {
  let summary = "Mark the primitives that a library of the GPU may run";
  let description = [{
    On buffers, after `heed-lower-onednn` with `device`. Products are cuBLAS's,
    convolutions and poolings cuDNN's. The runtime opens both where the program
    runs; without them, and for what they do not hold, a primitive is oneDNN's.
    What is not marked has a remark with the reason.

    Before:

    ```mlir
    attn.primitive matmul ins(%a, %b : memref<4x8xf16>, memref<8x16xf16>) outs(%c : memref<4x16xf16>) layouts = …
    ```

    After:

    ```mlir
    attn.primitive matmul ins(%a, %b : memref<4x8xf16>, memref<8x16xf16>) outs(%c : memref<4x16xf16>) layouts = … {device}
    ```
  }];
  let dependentDialects = ["::heed::attn::AttnDialect"];
}

def LowerGpuCopies : Pass<"heed-lower-gpu-copies", "::mlir::ModuleOp"> {
  let summary = "Have the runtime copy buffers to where they are used, host or device";
  let description = [{
    After heed-lower-entry and the passes that make kernels. The runtime knows
    at each time where a buffer is up to date; it is told of each buffer that a
    kernel uses, of each use on the device, and of uses on the host unless the
    calls before have said the same. Which parameters a kernel writes through is
    read off the kernel. A primitive with `device` counts as a launch, whose
    operands the runtime copies by itself. A remark says what runs where.

    Before:

    ```mlir
    %a = memref.alloc() : memref<64xf32>
    linalg.fill ins(%x : f32) outs(%a : memref<64xf32>)
    gpu.launch_func @heed_kernels::@k … args(%a_pointer : !llvm.ptr)
    ```

    After:

    ```mlir
    %a = memref.alloc() : memref<64xf32>
    llvm.call @heed_cuda_buffer(%ctx, %a_pointer, %c256, %scratch)
    %s = llvm.call @heed_cuda_to_host(%ctx, %a_pointer, %true)
    linalg.fill ins(%x : f32) outs(%a : memref<64xf32>)
    %d = llvm.call @heed_cuda_to_device(%ctx, %a_pointer, %true)
    gpu.launch_func @heed_kernels::@k … args(%d : !llvm.ptr)
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"
  ];
}

def LowerGpuLaunch : Pass<"heed-lower-gpu-launch", "::mlir::ModuleOp"> {
  let summary = "Turn launches into calls of the runtime, and kernels into a constant of the program";
  let description = [{
    The image is what `gpu-module-to-binary` made, or, where the kernels are
    still a `gpu.module`, its text: for a driver that runs MLIR. Sizes and
    arguments go through a frame of 64-bit words. A `hopper.tensor_map` is made by
    the runtime, and the kernel takes it by value.

    ```mlir
    gpu.launch_func @heed_kernels::@k blocks in (%n, %c1, %c1) threads in (%c128, %c1, %c1) args(%p : !llvm.ptr)
    // becomes
    llvm.store %n, %frame[0] … llvm.store %p, %frame[11]
    %status = llvm.call @heed_cuda_launch(%ctx, @heed_kernels_image, "k", %frame, %c12)
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect",
    "::mlir::LLVM::LLVMDialect", "::mlir::memref::MemRefDialect"
  ];
}

#endif // HEED_PASSES_LOWER_GPU_PASSES_TD
