set(TESSERA_IO ON)
add_subdirectory(third_party/tessera)
