# cmake -DDOCUMENT=README.md "-DSOURCES=a_snippet.cpp;b.cmake" -P check_snippets.cmake
# The code that a document shows between <!-- snippet: a --> and <!-- end --> must be, letter by
# letter, what stands between [snippet] and [end of snippet] in a_snippet.cpp or a.hpp, or all of a
# file without those two comments. The build compiles or runs these files.

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

file(READ "${DOCUMENT}" document)
foreach(source IN LISTS SOURCES)
  cmake_path(GET source STEM name)
  cmake_path(GET source EXTENSION LAST_ONLY extension)
  string(REPLACE "_snippet" "" name "${name}")
  if(extension STREQUAL ".cmake")
    set(language cmake)
    set(comment "#")
  else()
    set(language cpp)
    set(comment "//")
  endif()

  file(READ "${source}" used)
  string(FIND "${used}" "[snippet]" marker)
  if(NOT marker EQUAL -1)
    part_between(used "${used}" "${comment} [snippet]\n" "${comment} [end of snippet]\n" "${source}")
  endif()
  part_between(shown "${document}" "<!-- snippet: ${name} -->\n```${language}\n"
    "```\n<!-- end -->\n" "${DOCUMENT}")
  if(NOT shown STREQUAL used)
    message(FATAL_ERROR
      "${DOCUMENT} and ${source} differ. The document shows\n${shown}\nbut this is used\n${used}")
  endif()
endforeach()
