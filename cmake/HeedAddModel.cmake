# HeedAddModel.cmake - a model as a library target.
#
#   heed_add_model(<target> MODEL file.onnx [NAME name] [MCPU cpu] [SHARED] [WEIGHTS file] [OPTIONS flag...])
#
# makes a library to link with: its functions are in "<name>.h" (name: the target's, as a C identifier). MCPU is what
# `heed-compile --mcpu` takes, by default the CPU that builds. WEIGHTS keeps the weights in that file (relative to the
# build folder), which the program names to heed_model_load. OPTIONS are passed on, as --no-fuse or --onednn=off.
function(heed_add_model target)
  cmake_parse_arguments(PARSE_ARGV 1 ARG "SHARED" "MODEL;NAME;MCPU;WEIGHTS" "OPTIONS")
  if(ARG_UNPARSED_ARGUMENTS OR ARG_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "heed_add_model(${target}): unexpected: ${ARG_UNPARSED_ARGUMENTS} ${ARG_KEYWORDS_MISSING_VALUES}")
  endif()
  if(NOT ARG_MODEL)
    message(FATAL_ERROR "heed_add_model(${target}): expected MODEL file")
  endif()
  get_filename_component(model "${ARG_MODEL}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  if(NOT ARG_NAME)
    string(MAKE_C_IDENTIFIER "${target}" ARG_NAME)
  endif()

  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.heed")
  set(header "${folder}/${ARG_NAME}.h")
  if(ARG_SHARED)
    set(output "${folder}/${CMAKE_SHARED_LIBRARY_PREFIX}${target}${CMAKE_SHARED_LIBRARY_SUFFIX}")
  else()
    set(output "${folder}/${ARG_NAME}.o")
  endif()
  set(flags --name ${ARG_NAME} ${ARG_OPTIONS})
  set(outputs "${output}" "${header}")
  if(ARG_SHARED)
    list(APPEND flags --shared)
  endif()
  if(ARG_MCPU)
    list(APPEND flags --mcpu ${ARG_MCPU})
  endif()
  if(ARG_WEIGHTS)
    get_filename_component(weights "${ARG_WEIGHTS}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_BINARY_DIR}")
    list(APPEND flags --weights "${weights}")
    list(APPEND outputs "${weights}")
  endif()
  file(MAKE_DIRECTORY "${folder}")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND Heed::compile "${model}" -o "${output}" --header "${header}" ${flags}
    DEPENDS "${model}" Heed::compile
    COMMENT "Compiling the model ${ARG_NAME}"
    VERBATIM)

  if(ARG_SHARED)
    add_custom_target(${target}_compile DEPENDS ${outputs})
    add_library(${target} SHARED IMPORTED GLOBAL)
    set_target_properties(${target} PROPERTIES IMPORTED_LOCATION "${output}")
    add_dependencies(${target} ${target}_compile)
  else()
    add_library(${target} STATIC "${output}" "${header}")
    set_source_files_properties("${output}" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  endif()
  target_include_directories(${target} INTERFACE "${folder}")
  target_link_libraries(${target} INTERFACE Heed::runtime)
endfunction()
