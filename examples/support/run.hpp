#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

namespace example {

/// Reads the command line, then returns what body() does; its errors become one line and 1.
template <class Body>
int run_program(CLI::App& app, int argc, char** argv, const Body& body) {
  try {
    app.parse(argc, argv);
    return body();
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}

}  // namespace example
