# Install.cmake - what `cmake --install` copies: tools, the runtime, its headers, the package for find_package(Heed).
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/Heed)

install(TARGETS heed-compile heed-decode heed-import heed-opt heed-run RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS HeedRuntime LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES runtime/support/Host.h runtime/support/Model.h runtime/support/Runtime.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/runtime/support)

file(RELATIVE_PATH HEED_CONFIG_TO_PREFIX /${package} /)
configure_file(cmake/HeedConfig.cmake.in ${PROJECT_BINARY_DIR}/package/HeedConfig.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/HeedConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/HeedConfig.cmake ${PROJECT_BINARY_DIR}/package/HeedConfigVersion.cmake
  cmake/HeedAddModel.cmake
  DESTINATION ${package})
