# Sanitizers.cmake - HEED_SANITIZE=address,undefined instruments our own code; the distribution's MLIR stays as it is.
set(HEED_SANITIZE "" CACHE STRING "Sanitizers for our own code, e.g. address,undefined")
if(HEED_SANITIZE)
  add_compile_options(-fsanitize=${HEED_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HEED_SANITIZE})
endif()
