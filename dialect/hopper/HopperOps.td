// HopperOps.td - what sm_90a has and upstream's dialects cannot say.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef HEED_HOPPER_OPS_TD
#define HEED_HOPPER_OPS_TD

include "mlir/IR/OpBase.td"

def Hopper_Dialect : Dialect {
  let name = "hopper";
  let summary = "products of a warpgroup, and the tensor maps that feed them";
  let description = [{
    Upstream's `nvvm.wgmma.mma_async` takes its first factor from shared memory
    only and its accumulators as one struct; attention needs the first factor in
    registers (p never leaves them) and single elements of the scores. Here a
    fragment is its elements, as SSA values: `hopper.wgmma` starts a product,
    `hopper.wait` is what makes its elements usable. They stay until
    `heed-lower-gpu-hopper`, so that the same kernel becomes PTX and can be run
    op by op on a CPU.
  }];
  let cppNamespace = "::heed::hopper";
}

class Hopper_Op<string mnemonic, list<Trait> traits = []>
    : Op<Hopper_Dialect, mnemonic, traits>;

def Hopper_TensorMapOp : Hopper_Op<"tensor_map"> {
  let summary = "a descriptor for copies of boxes of a tensor by TMA";
  let description = [{
    Of the host: 128 bytes (`CUtensorMap`, made by `cuTensorMapEncodeTiled`) that
    a kernel takes by value. A copy takes a box of the tensor, at coordinates in
    the order of the buffer's dims, to shared memory, row after row; what lies
    outside of the tensor arrives as zeros. A row of the box is 128 bytes, and
    the 16-byte chunk c of row r is at c xor (r mod 8) (`SWIZZLE_128B`).

    1. The buffer has 1 to 5 dims, the last contiguous, of 16-bit floats.
    2. The box has a size for each dim, 1 to 256, of which the last is 64.

    The buffer's address and its strides in bytes must be multiples of 16; that
    is seen at run time.

    ```mlir
    %map = hopper.tensor_map %k box = [1, 1, 128, 64]
        : memref<2x8x512x128xbf16> -> !llvm.array<128 x i8>
    ```
  }];
  let arguments = (ins AnyMemRef:$source, DenseI64ArrayAttr:$box);
  let results = (outs AnyType:$map);
  let assemblyFormat = [{
    $source `box` `=` $box attr-dict `:` type($source) `->` type($map)
  }];
  let hasVerifier = 1;
}

def Hopper_WgmmaOp : Hopper_Op<"wgmma", [AttrSizedOperandSegments]> {
  let summary = "d = c + a·b of a warpgroup, begun";
  let description = [{
    A chain of `wgmma.mma_async.m64nNk16` (PTX ISA 9.7.15.5), committed as one
    group: 64 × N = 64 × 16·steps · 16·steps × N of f16 or bf16, sums in f32.
    Executed by the four warps of a warpgroup; warp w holds rows 16·w … of c and
    d. Lane 4·g + t holds, as element i of N/2: row g + 8·((i / 2) mod 2), column
    8·(i / 4) + 2·t + i mod 2.

    `a` is for each step either one matrix descriptor (i64) of rows in shared
    memory, or four registers (i32) as `mma.sync`'s A. `b` is one descriptor a
    step: of N rows of 16 (b is transposed in memory: keys), or with `columns` of
    16 rows of N (values). Without `c` the sum starts at 0.

    Nothing may use the results but `hopper.wait`, nor change what is read until
    then.

    1. `b` has one descriptor a step, one step at least; `a` one i64 or four i32
       for each.
    2. There are N/2 results, N a multiple of 8 up to 256, and as many `c`, or
       none.
    3. `element` is f16 or bf16.

    ```mlir
    %s:32 = hopper.wgmma bf16 a(%q0, %q1 : i64, i64) b(%k0, %k1 : i64, i64)
        : f32, …
    ```
  }];
  let arguments = (ins Variadic<AnyTypeOf<[I32, I64]>>:$a, Variadic<I64>:$b,
                       Variadic<F32>:$c, TypeAttr:$element,
                       UnitAttr:$columns);
  let results = (outs Variadic<F32>:$d);
  let assemblyFormat = [{
    $element (`columns` $columns^)? `a` `(` $a `:` type($a) `)`
    `b` `(` $b `:` type($b) `)` (`c` `(` $c^ `:` type($c) `)`)?
    attr-dict `:` type($d)
  }];
  let extraClassDeclaration = [{
    /// N.
    int64_t getColumnCount() { return 2 * getNumResults(); }
    /// Products of 16 in the chain.
    int64_t getStepCount() { return getB().size(); }
    /// Whether a is in registers.
    bool isFromRegisters() { return getA().size() == 4 * getB().size(); }
    /// The operands of a in step `step`.
    ::mlir::ValueRange getStepA(int64_t step) {
      size_t each = isFromRegisters() ? 4 : 1;
      return getA().slice(step * each, each);
    }
  }];
  let hasVerifier = 1;
}

def Hopper_WaitOp : Hopper_Op<"wait"> {
  let summary = "the elements of products that are done";
  let description = [{
    Waits until at most `pending` of the warpgroup's groups of products are under
    way, the youngest (`wgmma.wait_group`), and gives the elements of one that is
    done.

    1. There are as many results as operands, and `pending` is 0 to 7.

    ```mlir
    %done:2 = hopper.wait 0 (%d0, %d1 : f32, f32) : f32, f32
    ```
  }];
  let arguments = (ins I64Attr:$pending, Variadic<F32>:$fragment);
  let results = (outs Variadic<F32>:$done);
  let assemblyFormat = [{
    $pending `(` $fragment `:` type($fragment) `)` attr-dict `:` type($done)
  }];
  let hasVerifier = 1;
}

#endif // HEED_HOPPER_OPS_TD
