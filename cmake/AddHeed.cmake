# AddHeed.cmake - one helper a kind of room: dialect part, pass stage, library, tool.

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  # ccache takes precompiled headers with this sloppiness only; the inode cache spares it to read them each time.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_INODECACHE=1 ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

# Every target that generates headers; libraries wait for all of them, so that includes across rooms need no list.
set_property(GLOBAL PROPERTY HEED_TABLEGEN_TARGETS "")

function(heed_tablegen_target name)
  add_public_tablegen_target(${name})
  set_property(GLOBAL APPEND PROPERTY HEED_TABLEGEN_TARGETS ${name})
endfunction()

# add_heed_passes(<stage>): Passes.td of this folder -> Passes.h.inc, and the documentation of the stage.
function(add_heed_passes stage)
  set(LLVM_TARGET_DEFINITIONS Passes.td)
  mlir_tablegen(Passes.h.inc -gen-pass-decls -name=Heed${stage})
  heed_tablegen_target(Heed${stage}PassesGen)
  add_mlir_doc(Passes Heed${stage}Passes passes/ -gen-pass-doc)
endfunction()

# add_heed_library(<name> sources... LINK libs...): a static library on the shared MLIR and LLVM.
function(add_heed_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  heed_precompiled_mlir(${name})
  get_property(tablegen GLOBAL PROPERTY HEED_TABLEGEN_TARGETS)
  add_dependencies(${name} ${tablegen})
endfunction()

# add_heed_tool(<name> sources... LINK libs...): an executable in build/bin.
function(add_heed_tool name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} MLIR LLVM)
  heed_precompiled_mlir(${name})
  get_property(tablegen GLOBAL PROPERTY HEED_TABLEGEN_TARGETS)
  add_dependencies(${name} ${tablegen})
endfunction()
