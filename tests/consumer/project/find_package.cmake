find_package(tessera CONFIG REQUIRED COMPONENTS io)
