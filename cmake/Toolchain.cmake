# How every target is compiled: language level, warnings, sanitizers, linker, output folders.
option(UBERTOONS_TESTS "Build the tests" ON)
option(UBERTOONS_FUZZ "Build the fuzz targets of tests/fuzz: needs clang; every module is instrumented" OFF)
set(UBERTOONS_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -fno-omit-frame-pointer
                    -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
if(UBERTOONS_SANITIZE)
  # Compiles faster than -O2, and its stacks name more functions. As in Release, assertions stay.
  set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O1 -g1")
  # Undefined behaviour ends the program whatever options it runs with: executors get none of ours.
  add_compile_options(-fsanitize=${UBERTOONS_SANITIZE} -fno-sanitize-recover=all -U_FORTIFY_SOURCE)
  if(UBERTOONS_SANITIZE MATCHES "undefined")
    # It asks by a pipe whether memory can be read, and takes the refusal in a locked-down executor for a broken object.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_link_options(-fsanitize=${UBERTOONS_SANITIZE})
endif()
if(UBERTOONS_FUZZ)
  # Only here: tests/fuzz links the fuzzer's main. Undefined behaviour ends the process, or nobody would see it.
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -U_FORTIFY_SOURCE)
  add_link_options(-fsanitize=address,undefined)
endif()
