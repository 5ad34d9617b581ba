target_link_libraries(program PRIVATE tessera::io)
