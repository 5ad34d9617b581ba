#pragma once

#include <algorithm>
#include <concepts>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tessera/core/tensor.hpp"

namespace tessera::test {

/// Named arrays of a text file in tests/golden: "name shape values" a line, # begins a comment.
class TextFixture {
 public:
  explicit TextFixture(const std::string& file) : file_(file) {
    std::ifstream stream(TESSERA_GOLDEN_DIR "/" + file);
    if (!stream) throw std::runtime_error("cannot read " + file);
    for (std::string line; std::getline(stream, line);) {
      if (line.empty() || line[0] == '#') continue;
      std::istringstream words(line);
      std::string name, shape, size, value;
      words >> name >> shape;
      Entry& entry = entries_[name];
      std::istringstream sizes(shape);
      while (std::getline(sizes, size, 'x')) entry.shape.push_back(std::atol(size.c_str()));
      while (words >> value) entry.values.push_back(value);
    }
  }

  bool has(const std::string& name) const { return entries_.count(name) > 0; }

  template <class T>
  std::vector<T> values(const std::string& name) const {
    std::vector<T> result;
    for (const std::string& word : entry(name).values) result.push_back(parsed<T>(word));
    return result;
  }

  template <class T, int Rank>
  Tensor<T, Rank> tensor(const std::string& name) const {
    const Entry& found = entry(name);
    if (found.shape.size() != Rank) throw std::runtime_error(file_ + ": rank of " + name);
    Shape<Rank> shape{};
    std::copy(found.shape.begin(), found.shape.end(), shape.begin());
    Tensor<T, Rank> result(shape);
    if (static_cast<Index>(found.values.size()) != result.size()) {
      throw std::runtime_error(file_ + ": size of " + name);
    }
    std::transform(found.values.begin(), found.values.end(), result.begin(), parsed<T>);
    return result;
  }

  /// Names "<prefix>.0", "<prefix>.1", ... as far as "<prefix>.<n>.args" exists.
  std::vector<std::string> cases(const std::string& prefix) const {
    std::vector<std::string> names;
    for (int i = 0; has(prefix + "." + std::to_string(i) + ".args"); ++i) {
      names.push_back(prefix + "." + std::to_string(i));
    }
    if (names.empty()) throw std::runtime_error(file_ + ": no case of " + prefix);
    return names;
  }

 private:
  struct Entry {
    std::vector<Index> shape;
    std::vector<std::string> values;
  };

  template <class T>
  static T parsed(const std::string& word) {
    if constexpr (std::same_as<T, bool>) {
      return word == "1";
    } else if constexpr (std::floating_point<T>) {
      return static_cast<T>(std::strtod(word.c_str(), nullptr));
    } else {
      return static_cast<T>(std::strtoll(word.c_str(), nullptr, 10));
    }
  }

  const Entry& entry(const std::string& name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) throw std::runtime_error(file_ + " has no " + name);
    return found->second;
  }

  std::string file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace tessera::test
