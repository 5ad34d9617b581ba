#pragma once

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tessera::test {

/// Collects the largest difference seen for each quantity of each source. With the environment
/// variable TESSERA_PARITY_TABLE=1 the program prints them when it ends, as rows of
/// docs/reference_parity.md.
class ParityTable {
 public:
  static ParityTable& instance() {
    static ParityTable table;
    return table;
  }

  template <class Scalar>
  void add(const std::string& source, const std::string& quantity, double difference) {
    std::optional<double>& entry = rows_[{source, quantity}][std::is_same_v<Scalar, float> ? 1 : 0];
    entry = std::max(entry.value_or(0.0), difference);
  }

  ParityTable(const ParityTable&) = delete;
  ParityTable& operator=(const ParityTable&) = delete;
  ~ParityTable() {
    const char* wanted = std::getenv("TESSERA_PARITY_TABLE");
    if (wanted == nullptr || std::string_view(wanted) != "1") return;
    std::puts("| source | quantity | double | float |\n|---|---|---|---|");
    for (const auto& [key, differences] : rows_) {
      std::printf("| %s | %s | %s | %s |\n", key.first.c_str(), key.second.c_str(),
                  text(differences[0]).c_str(), text(differences[1]).c_str());
    }
  }

 private:
  ParityTable() = default;

  static std::string text(const std::optional<double>& difference) {
    if (!difference) return "";
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%.1e", *difference);
    return digits.data();
  }

  std::map<std::pair<std::string, std::string>, std::array<std::optional<double>, 2>> rows_;
};

}  // namespace tessera::test
