#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/naming/tables.hpp"

namespace tessera::io {

/// The naming called `id`. Throws std::invalid_argument that lists all for any other name.
inline const Naming& find_naming(std::string_view id) {
  std::string known;
  for (const Naming& naming : namings) {
    if (naming.id == id) return naming;
    known += concat(known.empty() ? "" : ", ", naming.id);
  }
  refuse("find_naming", "there is no naming \"", id, "\"; known are ", known);
}

/// A name of the other side of a table, or one part of its rows.
struct TableName {
  std::string name;
  Index part = 0;
  Index parts = 1;
  bool at_root = false;    ///< no module of theirs holds it
  bool read_only = false;  ///< that code does not write it so
};

namespace detail {

/// "blocks.12.norm1.weight" -> {"blocks.*.norm1.weight", "12"}: the first number between dots (or
/// after an underscore), written as a number is.
inline std::pair<std::string, std::string> without_number(std::string_view name) {
  const auto is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
  for (std::size_t begin = 0; begin < name.size(); ++begin) {
    const bool first = begin > 0 && (name[begin - 1] == '.' || name[begin - 1] == '_');
    if (!first || !is_digit(name[begin])) continue;
    const auto end = static_cast<std::size_t>(
        std::find_if_not(name.begin() + static_cast<std::ptrdiff_t>(begin), name.end(), is_digit) -
        name.begin());
    if (end == name.size() || name[end] != '.') continue;
    if (end - begin > 4 || (name[begin] == '0' && end - begin > 1)) break;
    return {concat(name.substr(0, begin), "*", name.substr(end)),
            std::string(name.substr(begin, end - begin))};
  }
  return {std::string(name), ""};
}

inline std::string with_number(std::string_view pattern, std::string_view number) {
  std::string name(pattern);
  if (const std::size_t star = name.find('*'); star != std::string::npos) {
    name.replace(star, 1, number);
  }
  return name;
}

/// Calls visit(their pattern, our pattern, pair, blocks of ours or "") for every name of a section,
/// weights and biases apart.
template <class Visit>
void visit_names(const NameSection& section, const Visit& visit) {
  const Dialect& dialect = *section.names;
  const auto visit_pairs = [&](std::string_view theirs, std::string_view ours,
                               std::span<const NamePair> pairs, const std::string& blocks) {
    for (const NamePair& pair : pairs) {
      const std::string before = concat(section.theirs, theirs, pair.theirs);
      const std::string after = concat(section.ours, ours, pair.ours);
      if (!pair.theirs.ends_with('.')) {
        visit(before, after, pair, blocks);
      } else {
        for (const std::string_view kind : {"weight", "bias"}) {
          visit(concat(before, kind), concat(after, kind), pair, blocks);
        }
      }
    }
  };
  visit_pairs("", "", dialect.outside, "");
  for (const std::span<const NamePair> inside : dialect.inside) {
    visit_pairs(dialect.their_blocks, dialect.our_blocks, inside,
                concat(section.ours, dialect.our_blocks));
  }
}

}  // namespace detail

/// Reads one naming: from the names of a file to ours.
class NameReader {
 public:
  explicit NameReader(const Naming& naming) : naming_(&naming) {
    for (const NameSection& section : naming.sections) {
      detail::visit_names(section, [&](const std::string& theirs, const std::string& ours,
                                       const NamePair& pair, const std::string&) {
        ours_.emplace(theirs, TableName{ours, pair.part, pair.parts, section.theirs.empty(),
                                        section.written_for.empty()});
      });
    }
  }

  const Naming& naming() const { return *naming_; }

  std::optional<TableName> find(std::string_view theirs) const {
    const auto [pattern, number] = detail::without_number(theirs);
    const auto found = ours_.find(pattern);
    if (found == ours_.end()) return std::nullopt;
    TableName ours = found->second;
    ours.name = detail::with_number(ours.name, number);
    return ours;
  }

  /// True of a part of a head or pooler, which no model here has.
  bool is_head(std::string_view theirs) const {
    return std::ranges::any_of(naming_->heads,
                               [&](std::string_view head) { return theirs.starts_with(head); });
  }

 private:
  const Naming* naming_;
  std::map<std::string, TableName> ours_;
};

/// Writes one naming: from our names of a model to those of a file.
class NameWriter {
 public:
  /// Throws std::invalid_argument if the naming has no names for such a model.
  NameWriter(const Naming& naming, Layout layout) {
    bool any = false;
    for (const NameSection& section : naming.sections) {
      if (!section.written_for.contains(layout)) continue;
      any = true;
      detail::visit_names(section, [&](const std::string& theirs, const std::string& ours,
                                       const NamePair& pair, const std::string& blocks) {
        theirs_[ours].push_back({theirs, pair.part, pair.parts});
        if (!pair.optional) needed_.push_back({ours, blocks});
      });
    }
    if (!any) refuse("NameWriter", "naming ", naming.id, " has no names for such a model");
  }

  /// The name, or the names of the parts in order, of a tensor of ours; empty if there is none.
  std::vector<TableName> find(std::string_view ours) const {
    const auto [pattern, number] = detail::without_number(ours);
    const auto found = theirs_.find(pattern);
    if (found == theirs_.end()) return {};
    std::vector<TableName> names = found->second;
    for (TableName& name : names) name.name = detail::with_number(name.name, number);
    return names;
  }

  /// Our name of a tensor that a model of that code has and one with these names (ours) lacks; ""
  /// if none is lacking.
  template <class Names>
  std::string first_missing(const Names& ours) const {
    std::map<std::string, Index> patterns;  // with how many tensors fit
    std::map<std::string, Index> blocks;    // by what stands before a name in a block
    for (const std::string& name : ours) {
      const std::string pattern = detail::without_number(name).first;
      const Index count = ++patterns[pattern];
      const std::size_t star = pattern.find('*');
      if (star == std::string::npos) continue;
      Index& most = blocks[pattern.substr(0, star + 2)];
      most = std::max(most, count);
    }
    for (const auto& [pattern, before] : needed_) {
      if (patterns[pattern] < (before.empty() ? 1 : blocks[before])) return pattern;
    }
    return "";
  }

 private:
  std::map<std::string, std::vector<TableName>> theirs_;
  std::vector<std::pair<std::string, std::string>> needed_;  // our pattern, blocks it belongs to
};

}  // namespace tessera::io
