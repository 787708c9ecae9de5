# PrecompiledMlir.cmake - MLIR's headers parsed once: that is more than half the compilation of most files here.
#
# Only headers of the distribution stand in it, so that it is built once. Sources still include what they use:
# -DHEED_PRECOMPILED=OFF builds without it and shows an include that is missing.

option(HEED_PRECOMPILED "Parse MLIR's headers once" ON)

if(HEED_PRECOMPILED)
  file(CONFIGURE OUTPUT PrecompiledMlir.cpp CONTENT "// The target that carries the precompiled headers needs a source.\n")
  add_library(HeedPrecompiledMlir OBJECT ${PROJECT_BINARY_DIR}/PrecompiledMlir.cpp)
  target_precompile_headers(HeedPrecompiledMlir PRIVATE
    <mlir/Dialect/Arith/IR/Arith.h>
    <mlir/Dialect/Func/IR/FuncOps.h>
    <mlir/Dialect/Linalg/IR/Linalg.h>
    <mlir/Dialect/Math/IR/Math.h>
    <mlir/Dialect/MemRef/IR/MemRef.h>
    <mlir/Dialect/SCF/IR/SCF.h>
    <mlir/Dialect/Tensor/IR/Tensor.h>
    <mlir/Dialect/Vector/IR/VectorOps.h>
    <mlir/IR/Builders.h>
    <mlir/IR/BuiltinOps.h>
    <mlir/IR/PatternMatch.h>
    <mlir/Pass/Pass.h>)
endif()

# heed_precompiled_mlir(<target>): the target's sources start from the precompiled headers.
function(heed_precompiled_mlir target)
  if(HEED_PRECOMPILED)
    target_precompile_headers(${target} REUSE_FROM HeedPrecompiledMlir)
    # GCC takes them only if every file is position-independent in the same way, programs included.
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${target} PRIVATE -fPIC)
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  endif()
endfunction()
