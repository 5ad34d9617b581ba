#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/text/utf8.hpp"
#include "tessera/io/torch/pickle_cursor.hpp"
#include "tessera/io/torch/pickle_rebuild.hpp"
#include "tessera/io/torch/pickle_stack.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io {

struct PickleOptions {
  /// Keep objects of classes that are not on the allow-list as data: what they were made with and
  /// their state. Still nothing is called. Off: such a name is an error.
  bool unknown_objects_as_data = false;
};

namespace detail {

/// Runs a pickle's opcodes.
class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, const std::string& label,
               const PickleOptions& options)
      : options_(options), stack_(label), cursor_(bytes, stack_) {}

  PickleDocument read() && {
    if (cursor_.take(1) != "\x80")
      stack_.refuse("does not begin as a pickle of protocol 2 or newer");
    const auto protocol = cursor_.number<std::uint8_t>();
    if (protocol < 2 || protocol > 5) stack_.refuse("protocol ", protocol, " is not supported");
    while (step()) {
    }
    return std::move(stack_).finish(cursor_.position());
  }

 private:
  /// One opcode; false at the end of the pickle.
  bool step() {
    stack_.at(cursor_.position());
    const auto code = static_cast<unsigned char>(cursor_.take(1).front());
    switch (code) {
      case '.':
        return false;
      case 0x95:  // FRAME: how many bytes follow; of use to streams only
        if (cursor_.number<std::uint64_t>() > cursor_.left()) {
          stack_.refuse("frame runs past the end");
        }
        break;
      case '(':
        stack_.push_mark();
        break;
      case 'N':
        stack_.push(stack_.none);
        break;
      case 0x88:
        stack_.push(stack_.true_value);
        break;
      case 0x89:
        stack_.push(stack_.false_value);
        break;
      case 'K':
        push_integer(cursor_.number<std::uint8_t>());
        break;
      case 'M':
        push_integer(cursor_.number<std::uint16_t>());
        break;
      case 'J':
        push_integer(cursor_.number<std::int32_t>());
        break;
      case 0x8A:  // LONG1
        push_long(cursor_.take(cursor_.number<std::uint8_t>()));
        break;
      case 0x8B:  // LONG4
        push_long(cursor_.take(cursor_.number<std::uint32_t>()));
        break;
      case 'G':
        stack_.push(stack_.add(cursor_.real()));
        break;
      case 'X':  // BINUNICODE
        push_text(cursor_.take(cursor_.number<std::uint32_t>()));
        break;
      case 0x8C:  // SHORT_BINUNICODE
        push_text(cursor_.take(cursor_.number<std::uint8_t>()));
        break;
      case 0x8D:  // BINUNICODE8
        push_text(cursor_.take(cursor_.number<std::uint64_t>()));
        break;
      case 'U':  // SHORT_BINSTRING, a str of Python 2
        push_text(cursor_.take(cursor_.number<std::uint8_t>()));
        break;
      case 'T':  // BINSTRING
        push_text(cursor_.take(cursor_.number<std::uint32_t>()));
        break;
      case 'C':  // SHORT_BINBYTES
        stack_.push(stack_.add(PickleBytes{cursor_.take(cursor_.number<std::uint8_t>())}));
        break;
      case 'B':  // BINBYTES
        stack_.push(stack_.add(PickleBytes{cursor_.take(cursor_.number<std::uint32_t>())}));
        break;
      case 0x8E:  // BINBYTES8
      case 0x96:  // BYTEARRAY8
        stack_.push(stack_.add(PickleBytes{cursor_.take(cursor_.number<std::uint64_t>())}));
        break;
      case ')':
        stack_.push(stack_.empty_tuple);
        break;
      case 't':
        push_items<PickleTuple>(stack_.pop_to_mark());
        break;
      case 0x85:  // TUPLE1, 2, 3
      case 0x86:
      case 0x87:
        push_items<PickleTuple>(stack_.pop_many(code - 0x84u));
        break;
      case ']':
      case 0x8F:  // EMPTY_SET
        stack_.push(stack_.add(PickleList{}));
        break;
      case 0x91:  // FROZENSET
        push_items<PickleList>(stack_.pop_to_mark());
        break;
      case '}':
        stack_.push(stack_.add(PickleDict{}));
        break;
      case 'a':
        append(stack_.pop_many(1));
        break;
      case 'e':
      case 0x90:  // ADDITEMS
        append(stack_.pop_to_mark());
        break;
      case 's':
        set_items(stack_.pop_many(2));
        break;
      case 'u':
        set_items(stack_.pop_to_mark());
        break;
      case 'h':
        stack_.push_memo(cursor_.number<std::uint8_t>());
        break;
      case 'j':
        stack_.push_memo(cursor_.number<std::uint32_t>());
        break;
      case 'q':
        stack_.set_memo(cursor_.number<std::uint8_t>());
        break;
      case 'r':
        stack_.set_memo(cursor_.number<std::uint32_t>());
        break;
      case 0x94:  // MEMOIZE
        stack_.set_memo(stack_.memo_size());
        break;
      case 'c': {
        const std::string_view module = cursor_.line();
        push_global(module, cursor_.line());
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const std::vector<PickleId> names = stack_.pop_many(2);
        const std::string_view module = stack_.text(names[0], "a module");
        push_global(module, stack_.text(names[1], "a global"));
        break;
      }
      case 'Q':
        stack_.push(make_storage(stack_, stack_.pop()));
        break;
      case 'R': {
        const PickleId arguments = stack_.pop();
        const PickleId callable = stack_.pop();
        stack_.push(reduce(stack_, callable, arguments));
        break;
      }
      case 0x81: {  // NEWOBJ
        const PickleId arguments = stack_.pop();
        stack_.push(new_object(stack_, stack_.pop(), arguments));
        break;
      }
      case 'b':  // BUILD
        build(stack_, stack_.pop());
        break;
      default:
        stack_.refuse("opcode ", hexadecimal(code), " is not one that checkpoints need");
    }
    return true;
  }

  void push_integer(std::int64_t value) { stack_.push(stack_.add(value)); }

  void push_long(std::string_view bytes) {
    if (bytes.size() > 8) return stack_.push(stack_.add(PickleBytes{bytes}));
    push_integer(PickleCursor::integer(bytes));
  }

  void push_text(std::string_view text) {
    if (!is_utf8(text)) stack_.refuse("text is not UTF-8");
    stack_.push(stack_.add(text));
  }

  template <class Container>
  void push_items(std::vector<PickleId> items) {
    stack_.count_items(items.size());
    stack_.push(stack_.add(Container{std::move(items)}));
  }

  void append(const std::vector<PickleId>& items) {
    auto* list = stack_.get<PickleList>(stack_.top());
    if (list == nullptr) stack_.refuse("appends to what is no list");
    stack_.count_items(items.size());
    list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<PickleId>& items) {
    auto* dict = stack_.get<PickleDict>(stack_.top());
    if (dict == nullptr) stack_.refuse("sets items of what is no dictionary");
    if (items.size() % 2 != 0) stack_.refuse("a key has no value");
    stack_.count_items(items.size());
    for (std::size_t i = 0; i < items.size(); i += 2) {
      dict->items.emplace_back(items[i], items[i + 1]);
    }
  }

  void push_global(std::string_view module, std::string_view name) {
    stack_.push_global(module, name, options_.unknown_objects_as_data);
  }

  const PickleOptions& options_;
  PickleStack stack_;
  PickleCursor cursor_;
};

}  // namespace detail

/// Reads the pickle that `bytes` begin with (protocol 2 to 5) as data: its opcodes and the names it
/// may mention are those on a list, and nothing is ever called, imported or unpacked. The document
/// views `bytes`. Throws std::runtime_error "label: pickle byte n: reason".
inline PickleDocument read_pickle(std::span<const std::byte> bytes,
                                  const std::string& label = "memory",
                                  const PickleOptions& options = {}) {
  return detail::PickleReader(bytes, label, options).read();
}

}  // namespace tessera::io
