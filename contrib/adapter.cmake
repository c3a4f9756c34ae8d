# What the adapters for other libraries have in common.
# SPDX-License-Identifier: MIT

# rondo_adapter(NAME TARGET...): the library of this folder, rondo::NAME, made of
# rondo_NAME.c, which links with the targets.
function(rondo_adapter name)
    add_library(rondo_${name} STATIC rondo_${name}.c)
    target_include_directories(rondo_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    target_link_libraries(rondo_${name} PUBLIC ${ARGN})
    add_library(rondo::${name} ALIAS rondo_${name})
endfunction()

# rondo_adapter_example(NAME PROGRAM): example.c makes the program.
function(rondo_adapter_example name program)
    if(RONDO_BUILD_EXAMPLES)
        add_executable(example_${program} example.c)
        set_target_properties(example_${program} PROPERTIES
            OUTPUT_NAME ${program})
        target_link_libraries(example_${program} PRIVATE rondo_${name})
    endif()
endfunction()

# rondo_adapter_tests(NAME SUBJECT DEFINITION...): test/test_SUBJECT.c, on each
# backend.
function(rondo_adapter_tests name subject)
    if(TARGET rondo_servers)
        add_executable(test_${subject} test/test_${subject}.c)
        target_link_libraries(test_${subject}
            PRIVATE rondo_servers rondo_${name})
        target_compile_definitions(test_${subject} PRIVATE ${ARGN})
        rondo_add_tests(test_${subject} ${subject})
    endif()
endfunction()
