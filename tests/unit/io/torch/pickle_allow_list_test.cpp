#include "tessera/io/torch/pickle_allow_list.hpp"

#include <set>
#include <string>

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("names that checkpoints mention are found by module and name") {
  REQUIRE(find_pickle_global("torch", "HalfStorage") != nullptr);
  CHECK(find_pickle_global("torch", "HalfStorage")->kind == PickleGlobalKind::storage);
  CHECK(find_pickle_global("torch", "HalfStorage")->dtype == Dtype::f16);
  CHECK(find_pickle_global("torch.storage", "UntypedStorage")->dtype == std::nullopt);
  CHECK(find_pickle_global("torch", "bfloat16")->kind == PickleGlobalKind::dtype);
  CHECK(find_pickle_global("argparse", "Namespace")->kind == PickleGlobalKind::plain);
}

TEST_CASE("nothing that does something is on the list") {
  for (const auto& [module, name] : {std::pair{"os", "system"},
                                     {"posix", "system"},
                                     {"builtins", "eval"},
                                     {"builtins", "exec"},
                                     {"builtins", "getattr"},
                                     {"__builtin__", "eval"},
                                     {"torch", "load"},
                                     {"torch._utils", "FloatStorage"},
                                     {"torch.FloatStorage", ""},
                                     {"", "torch"},
                                     {"torch", "floatstorage"},
                                     {"subprocess", "Popen"}}) {
    CHECK(find_pickle_global(module, name) == nullptr);
  }
}

TEST_CASE("no name is listed twice, and those with a dtype have one") {
  std::set<std::string> names;
  for (const PickleGlobal& global : detail::pickle_globals) {
    CHECK(names.insert(std::string(global.module) + "." + std::string(global.name)).second);
    if (global.kind == PickleGlobalKind::dtype) CHECK(global.dtype.has_value());
    if (global.kind == PickleGlobalKind::storage && global.module != "torch.storage") {
      CHECK(global.dtype.has_value());
    }
  }
}

}  // namespace tessera::io::test
