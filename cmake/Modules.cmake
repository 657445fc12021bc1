# ut_module(NAME DEPENDS a b LINK x y): the static library ut_NAME from this folder's *.cc (not *_test.cc),
# and, when tests are built, one test program NAME_test from its *_test.cc.
# DEPENDS names other modules (the table in tests/deps_test.py says which are allowed), LINK outside libraries,
# TEST_DEPENDS / TEST_LINK what only the tests need.
function(ut_module NAME)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK;TEST_DEPENDS;TEST_LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM ARG_DEPENDS PREPEND ut_)
  list(TRANSFORM ARG_TEST_DEPENDS PREPEND ut_)
  if(sources)
    add_library(ut_${NAME} STATIC ${sources})
    target_include_directories(ut_${NAME} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(ut_${NAME} PUBLIC ${ARG_DEPENDS} ${ARG_LINK} fmt::fmt Threads::Threads)
  else()
    add_library(ut_${NAME} INTERFACE)
    target_include_directories(ut_${NAME} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(ut_${NAME} INTERFACE ${ARG_DEPENDS} ${ARG_LINK} fmt::fmt Threads::Threads)
  endif()
  if(UBERTOONS_TESTS AND tests)
    ut_test(${NAME}_test SOURCES ${tests} LINK ut_${NAME} ${ARG_TEST_DEPENDS} ${ARG_TEST_LINK})
  endif()
endfunction()

# ut_test(NAME SOURCES ... LINK ... PROPERTIES ...): one GoogleTest program, each of its tests known to ctest, with these
# properties besides its time limit.
function(ut_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PROPERTIES" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_include_directories(${NAME} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${NAME} PRIVATE ${ARG_LINK} ${RAPIDCHECK_LIBRARY} GTest::gmock GTest::gtest_main)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(timeout 300)
  if(UBERTOONS_SANITIZE)
    set(timeout 900)
  endif()
  gtest_discover_tests(${NAME} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120
                        PROPERTIES TIMEOUT ${timeout} ${ARG_PROPERTIES})
endfunction()

# ut_sanitized_uninitialized(SOURCE ...): in a sanitized build GCC 12 takes what the standard library holds in these files
# (an optional's value, a regex's state) for uninitialised. Only there, and only these: elsewhere the warning is an error.
function(ut_sanitized_uninitialized)
  if(UBERTOONS_SANITIZE)
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -Wno-maybe-uninitialized)
  endif()
endfunction()
