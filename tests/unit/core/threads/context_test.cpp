#include "tessera/core/threads/context.hpp"

#include <memory>
#include <optional>
#include <thread>

#include "support/catch.hpp"

namespace tessera::detail {

namespace {

ExecutionContext of(MatmulPrecision precision) { return {.matmul_precision = precision}; }

std::shared_ptr<ScopeEntry> scope_of(MatmulPrecision precision) {
  auto scope = std::make_shared<ScopeEntry>(0);
  scope->context = of(precision);
  return scope;
}

void end(const std::shared_ptr<ScopeEntry>& scope) {
  scope->ended = true;
  take_out_ended_scopes();
}

}  // namespace

TEST_CASE("an override is in force while it lives, in any order of ending") {
  CHECK(innermost_context() == nullptr);
  std::optional<ContextOverride> outer(of(MatmulPrecision::high));
  CHECK(execution_context().matmul_precision == MatmulPrecision::high);
  std::optional<ContextOverride> inner(of(MatmulPrecision::medium));
  CHECK(execution_context().matmul_precision == MatmulPrecision::medium);
  outer.reset();
  CHECK(execution_context().matmul_precision == MatmulPrecision::medium);
  inner.reset();
  CHECK(execution_context().matmul_precision == MatmulPrecision::highest);
  CHECK(innermost_context() == nullptr);
}

TEST_CASE("a scope that began within an override may outlive it") {
  std::optional<ContextOverride> around(of(MatmulPrecision::high));
  const auto scope = scope_of(MatmulPrecision::medium);
  put_in_scope(scope);
  around.reset();
  CHECK(execution_context().matmul_precision == MatmulPrecision::medium);
  CHECK(scope->outer == nullptr);
  end(scope);
  CHECK(innermost_context() == nullptr);
}

TEST_CASE("a list keeps its scopes until they have ended, and no longer") {
  std::weak_ptr<ScopeEntry> kept;
  {
    const auto scope = scope_of(MatmulPrecision::high);
    kept = scope;
    put_in_scope(scope);
    scope->ended = true;  // as another thread ends it
  }
  CHECK_FALSE(kept.expired());
  CHECK(execution_context().matmul_precision == MatmulPrecision::high);
  take_out_ended_scopes();
  CHECK(kept.expired());
  CHECK(innermost_context() == nullptr);
}

TEST_CASE("a thread that ends leaves its scopes to those who hold them", "[threads]") {
  std::shared_ptr<ScopeEntry> scope;
  std::thread([&] {
    scope = scope_of(MatmulPrecision::high);
    put_in_scope(scope);
  }).join();
  CHECK(scope.use_count() == 1);
  end(scope);
  CHECK(innermost_context() == nullptr);
}

}  // namespace tessera::detail
