#include "tessera/io/naming/tables.hpp"

#include <set>
#include <string>

#include "support/catch.hpp"
#include "tessera/io/naming/translate.hpp"

namespace tessera::io::test {

TEST_CASE("every naming has an identity and sections, and each layout of it one place per name") {
  std::set<std::string_view> ids;
  for (const Naming& naming : namings) {
    INFO(naming.id);
    CHECK(ids.insert(naming.id).second);
    CHECK_FALSE(naming.description.empty());
    CHECK(naming.id != own_naming);
    CHECK(std::ranges::any_of(
        naming.sections, [](const NameSection& section) { return !section.written_for.empty(); }));
    for (const Layout layout : all_layouts) {
      std::set<std::string> theirs, ours;
      for (const NameSection& section : naming.sections) {
        if (!section.written_for.contains(layout)) continue;
        detail::visit_names(section, [&](const std::string& before, const std::string& after,
                                         const NamePair& pair, const std::string&) {
          INFO(before << " " << after);
          CHECK(theirs.insert(before).second);
          CHECK(ours.insert(after + "/" + std::to_string(pair.part)).second);
          CHECK(pair.part < pair.parts);
        });
      }
    }
  }
}

TEST_CASE("within a naming a name of theirs means one thing, whatever the section") {
  for (const Naming& naming : namings) {
    std::map<std::string, std::string> meaning;
    for (const NameSection& section : naming.sections) {
      detail::visit_names(section, [&](const std::string& theirs, const std::string& ours,
                                       const NamePair& pair, const std::string&) {
        const std::string place = ours + "/" + std::to_string(pair.part);
        INFO(naming.id << ": " << theirs);
        CHECK(meaning.emplace(theirs, place).first->second == place);
      });
    }
  }
}

TEST_CASE("the parts of a split tensor come together and in order") {
  for (const Naming& naming : namings) {
    for (const NameSection& section : naming.sections) {
      std::map<std::string, std::vector<Index>> parts;
      std::map<std::string, Index> counts;
      detail::visit_names(section, [&](const std::string&, const std::string& ours,
                                       const NamePair& pair, const std::string&) {
        parts[ours].push_back(pair.part);
        counts[ours] = pair.parts;
      });
      for (const auto& [ours, found] : parts) {
        INFO(naming.id << ": " << ours);
        REQUIRE(static_cast<Index>(found.size()) == counts[ours]);
        for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == static_cast<Index>(i));
      }
    }
  }
}

}  // namespace tessera::io::test
