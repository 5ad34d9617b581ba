#include "tessera/io/torch/pickle_stack.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

TEST_CASE("values come off the stack in the order they went on, down to the mark") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  stack.push(stack.none);
  stack.push_mark();
  stack.push(stack.true_value);
  stack.push(stack.false_value);
  CHECK(stack.top() == stack.false_value);
  CHECK(stack.pop_to_mark() == std::vector<PickleId>{stack.true_value, stack.false_value});
  CHECK(stack.pop() == stack.none);
}

TEST_CASE("an empty stack and a mark in the way are errors that name the place") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  stack.at(7);
  const std::string empty = "a.pth: pickle byte 7: takes a value from an empty stack";
  CHECK(file_error([&] { stack.pop(); }) == empty);
  CHECK(file_error([&] { stack.top(); }) == empty);
  stack.push(stack.none);
  stack.push_mark();
  CHECK(file_error([&] { stack.pop(); }) == empty);
  CHECK(file_error([&] { stack.pop_many(2); }) == empty);
  CHECK(file_error([&] { stack.top(); }) == empty);
  CHECK(stack.pop_to_mark().empty());
  CHECK(file_error([&] { stack.pop_to_mark(); }) ==
        "a.pth: pickle byte 7: has no mark to go back to");
}

TEST_CASE("the memo gives back what was put there") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  stack.push(stack.true_value);
  stack.set_memo(3);
  CHECK(stack.memo_size() == 4);
  stack.push_memo(3);
  CHECK(stack.pop_many(2) == std::vector<PickleId>{stack.true_value, stack.true_value});
  CHECK(file_error([&] { stack.push_memo(2); }) ==
        "a.pth: pickle byte 0: memo index 2 was never set");
  CHECK(file_error([&] { stack.push_memo(4); }) ==
        "a.pth: pickle byte 0: memo index 4 was never set");
  stack.push(stack.none);
  CHECK(file_error([&] { stack.set_memo(0xFFFFFFFF); }) ==
        "a.pth: pickle byte 0: memo index 4294967295 is above the limit of 249999");
}

TEST_CASE("a global met twice is one value") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  stack.push_global("torch", "Size");
  stack.push_global("torch", "Size");
  const std::vector<PickleId> ids = stack.pop_many(2);
  CHECK(ids[0] == ids[1]);
  CHECK(stack.global(ids[0]).kind == PickleGlobalKind::sequence);
  stack.push_global("os", "system");
  CHECK(stack.global(stack.pop()).kind == PickleGlobalKind::unknown);
}

TEST_CASE("a reason for leaving a value out is kept once") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  const PickleId first = stack.leave_out("too new");
  CHECK(stack.leave_out("too new") == first);
  CHECK(stack.leave_out("too old") != first);
  CHECK(stack.document.reasons == std::vector<std::string>{"too new", "too old"});
}

TEST_CASE("a thousand reasons are told apart, further ones are one") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  for (std::size_t i = 0; i < PickleLimits::reasons; ++i) stack.leave_out(std::to_string(i));
  const PickleId other = stack.leave_out("one more");
  CHECK(stack.leave_out("and one more") == other);
  CHECK(stack.leave_out("0") != other);
  CHECK(stack.document.reasons.size() == PickleLimits::reasons + 1);
}

TEST_CASE("counts have limits") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  stack.count_items(PickleLimits::items);
  CHECK(file_error([&] { stack.count_items(1); }) ==
        "a.pth: pickle byte 0: holds more than 1000000 items");
  for (std::size_t i = 0; i < PickleLimits::marks; ++i) stack.push_mark();
  CHECK(file_error([&] { stack.push_mark(); }) ==
        "a.pth: pickle byte 0: holds more than 10000 open marks");
}

TEST_CASE("typed access names what was expected") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  const PickleId number = stack.add(std::int64_t{5});
  CHECK(stack.integer(number, "offset") == 5);
  CHECK(file_error([&] { stack.integer(stack.true_value, "offset"); }) ==
        "a.pth: pickle byte 0: offset is no whole number");
  CHECK(file_error([&] { stack.text(number, "key"); }) == "a.pth: pickle byte 0: key is no text");
  CHECK(file_error([&] { stack.tuple(stack.empty_tuple, "pair", 2); }) ==
        "a.pth: pickle byte 0: pair is no tuple of at least 2 items");
  CHECK(file_error([&] { stack.global(number); }) ==
        "a.pth: pickle byte 0: calls what is no global");
}

TEST_CASE("a pickle ends with one value") {
  const std::string label = "a.pth";
  detail::PickleStack stack(label);
  stack.push(stack.none);
  stack.push(stack.none);
  CHECK(file_error([&] { std::move(stack).finish(5); }) ==
        "a.pth: pickle byte 0: ends with 2 values");
}

}  // namespace tessera::io::test
