// Compiled once for all test files; see tests/CMakeLists.txt.
