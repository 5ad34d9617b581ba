include(FetchContent)
set(TESSERA_IO ON)
FetchContent_Declare(tessera GIT_REPOSITORY https://example.org/tessera.git GIT_TAG main)
FetchContent_MakeAvailable(tessera)
