# cmake -DREADME=README.md "-DSOURCES=a_snippet.cpp;b_snippet.cpp" -P check_snippets.cmake
# The code that README.md shows between <!-- snippet: a --> and <!-- end --> must be, letter by
# letter, what stands between // [snippet] and // [end of snippet] in a_snippet.cpp, which is compiled.

# Sets ${result} to the part of ${text} between two others; stops if there is none.
function(part_between result text begin end where)
  string(FIND "${text}" "${begin}" first)
  if(first EQUAL -1)
    message(FATAL_ERROR "${where} has no '${begin}'")
  endif()
  string(LENGTH "${begin}" length)
  math(EXPR first "${first} + ${length}")
  string(SUBSTRING "${text}" ${first} -1 rest)
  string(FIND "${rest}" "${end}" last)
  if(last EQUAL -1)
    message(FATAL_ERROR "${where} has no '${end}' after '${begin}'")
  endif()
  string(SUBSTRING "${rest}" 0 ${last} part)
  set(${result} "${part}" PARENT_SCOPE)
endfunction()

file(READ "${README}" readme)
foreach(source IN LISTS SOURCES)
  cmake_path(GET source STEM name)
  string(REPLACE "_snippet" "" name "${name}")
  file(READ "${source}" code)
  part_between(compiled "${code}" "// [snippet]\n" "// [end of snippet]\n" "${source}")
  part_between(shown "${readme}" "<!-- snippet: ${name} -->\n```cpp\n" "```\n<!-- end -->\n"
    "${README}")
  if(NOT shown STREQUAL compiled)
    message(FATAL_ERROR
      "${README} and ${source} differ. README shows\n${shown}\nbut this is compiled\n${compiled}")
  endif()
endforeach()
