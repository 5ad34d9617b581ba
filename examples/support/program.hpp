#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/run.hpp"
#include "tessera/core/threads/execution.hpp"

namespace example {

/// The options that every example has; the rest is added to `app`.
struct Program {
  /// `file` is what the picture is called unless --out says otherwise.
  Program(const std::string& description, std::string file, std::uint64_t default_seed = 0)
      : app(description), out(file), seed(default_seed), file_(std::move(file)) {
    app.add_option("--out", out, "PNG to write; a folder gets one of the default name")
        ->capture_default_str();
    app.add_option("--seed", seed, "of all random numbers")->capture_default_str();
    app.add_option("--threads", threads, "0: one per processor")->capture_default_str();
  }

  /// run_program, with these threads and a place for the picture.
  template <class Body>
  int run(int argc, char** argv, const Body& body) {
    return run_program(app, argc, argv, [&] {
      const tessera::ExecutionScope scope({.threads = threads});
      (void)output();
      return body();
    });
  }

  /// Where the picture goes. Throws std::runtime_error if there is no such folder.
  std::filesystem::path output() const {
    std::filesystem::path path = out;
    if (std::filesystem::is_directory(path)) path /= file_;
    if (path.has_parent_path() && !std::filesystem::is_directory(path.parent_path())) {
      throw std::runtime_error(out + ": its folder does not exist");
    }
    return path;
  }

  CLI::App app;
  std::string out;
  std::uint64_t seed;
  tessera::Index threads = 0;

 private:
  std::string file_;
};

}  // namespace example
