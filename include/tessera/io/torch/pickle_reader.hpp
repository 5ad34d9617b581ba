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
#include "tessera/io/torch/pickle_opcode.hpp"
#include "tessera/io/torch/pickle_rebuild.hpp"
#include "tessera/io/torch/pickle_stack.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io {

namespace detail {

/// Runs a pickle's opcodes.
class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, const std::string& label)
      : stack_(label), cursor_(bytes, stack_) {}

  PickleDocument read() && {
    if (cursor_.take(1) != "\x80") {
      stack_.refuse("does not begin as a pickle of protocol 2 or newer");
    }
    const auto protocol = cursor_.number<std::uint8_t>();
    if (protocol < 2 || protocol > 5) stack_.refuse("protocol ", protocol, " is not supported");
    while (step()) {
    }
    return std::move(stack_).finish(cursor_.position());
  }

 private:
  /// One opcode; false at the end of the pickle.
  bool step() {
    using enum PickleOpcode;
    stack_.at(cursor_.position());
    const auto code = static_cast<unsigned char>(cursor_.take(1).front());
    switch (static_cast<PickleOpcode>(code)) {
      case STOP:
        return false;
      case FRAME:  // how many bytes follow; of use to streams only
        if (cursor_.number<std::uint64_t>() > cursor_.left()) {
          stack_.refuse("frame runs past the end");
        }
        break;

      // Plain values.
      case NONE:
        stack_.push(stack_.none);
        break;
      case NEWTRUE:
        stack_.push(stack_.true_value);
        break;
      case NEWFALSE:
        stack_.push(stack_.false_value);
        break;
      case BININT1:
        push_integer(cursor_.number<std::uint8_t>());
        break;
      case BININT2:
        push_integer(cursor_.number<std::uint16_t>());
        break;
      case BININT:
        push_integer(cursor_.number<std::int32_t>());
        break;
      case LONG1:
        push_long(take<std::uint8_t>());
        break;
      case LONG4:
        push_long(take<std::uint32_t>());
        break;
      case BINFLOAT:
        stack_.push(stack_.add(cursor_.real()));
        break;
      case SHORT_BINUNICODE:
      case SHORT_BINSTRING:  // a str of Python 2
        push_text(take<std::uint8_t>());
        break;
      case BINUNICODE:
      case BINSTRING:
        push_text(take<std::uint32_t>());
        break;
      case BINUNICODE8:
        push_text(take<std::uint64_t>());
        break;
      case SHORT_BINBYTES:
        push_bytes(take<std::uint8_t>());
        break;
      case BINBYTES:
        push_bytes(take<std::uint32_t>());
        break;
      case BINBYTES8:
      case BYTEARRAY8:
        push_bytes(take<std::uint64_t>());
        break;

      // Containers.
      case EMPTY_TUPLE:
        stack_.push(stack_.empty_tuple);
        break;
      case TUPLE1:
      case TUPLE2:
      case TUPLE3:
        push_items<PickleTuple>(stack_.pop_many(code - 0x84u));
        break;
      case TUPLE:
        push_items<PickleTuple>(stack_.pop_to_mark());
        break;
      case EMPTY_LIST:
      case EMPTY_SET:
        stack_.push(stack_.add(PickleList{}));
        break;
      case FROZENSET:
        push_items<PickleList>(stack_.pop_to_mark());
        break;
      case EMPTY_DICT:
        stack_.push(stack_.add(PickleDict{}));
        break;
      case APPEND:
        append(stack_.pop_many(1));
        break;
      case APPENDS:
      case ADDITEMS:
        append(stack_.pop_to_mark());
        break;
      case SETITEM:
        set_items(stack_.pop_many(2));
        break;
      case SETITEMS:
        set_items(stack_.pop_to_mark());
        break;

      // The stack and the memo.
      case MARK:
        stack_.push_mark();
        break;
      case POP:
        (void)stack_.pop();
        break;
      case POP_MARK:
        (void)stack_.pop_to_mark();
        break;
      case BINGET:
        stack_.push_memo(cursor_.number<std::uint8_t>());
        break;
      case LONG_BINGET:
        stack_.push_memo(cursor_.number<std::uint32_t>());
        break;
      case BINPUT:
        stack_.set_memo(cursor_.number<std::uint8_t>());
        break;
      case LONG_BINPUT:
        stack_.set_memo(cursor_.number<std::uint32_t>());
        break;
      case MEMOIZE:
        stack_.set_memo(stack_.memo_size());
        break;

      // Names, and what stands for a call.
      case GLOBAL: {
        const std::string_view module = cursor_.line();
        stack_.push_global(module, cursor_.line());
        break;
      }
      case STACK_GLOBAL: {
        const std::vector<PickleId> names = stack_.pop_many(2);
        const std::string_view module = stack_.text(names[0], "a module");
        stack_.push_global(module, stack_.text(names[1], "a global"));
        break;
      }
      case BINPERSID:
        stack_.push(resolve_persistent_id(stack_, stack_.pop()));
        break;
      case REDUCE: {
        const std::vector<PickleId> call = stack_.pop_many(2);
        stack_.push(reduce(stack_, call[0], call[1]));
        break;
      }
      case NEWOBJ: {
        const std::vector<PickleId> call = stack_.pop_many(2);
        stack_.push(new_object(stack_, call[0], call[1]));
        break;
      }
      case NEWOBJ_EX: {  // a third: arguments by name
        const std::vector<PickleId> call = stack_.pop_many(3);
        stack_.push(new_object(stack_, call[0], call[1]));
        break;
      }
      case BUILD:
        build(stack_, stack_.pop());
        break;
      default:
        stack_.refuse("opcode ", opcode_text(code), " is not one that checkpoints need");
    }
    return true;
  }

  /// As many bytes as a number of type Length before them says.
  template <class Length>
  std::string_view take() {
    return cursor_.take(cursor_.number<Length>());
  }

  void push_integer(std::int64_t value) { stack_.push(stack_.add(value)); }

  void push_long(std::string_view bytes) {
    if (bytes.size() > 8) return stack_.push(stack_.add(PickleBytes{bytes}));
    push_integer(PickleCursor::integer(bytes));
  }

  void push_bytes(std::string_view bytes) { stack_.push(stack_.add(PickleBytes{bytes})); }

  /// Text that is not UTF-8 is bytes: strings of Python 2, paths with bytes of other encodings.
  void push_text(std::string_view text) {
    if (!is_utf8(text)) return push_bytes(text);
    stack_.push(stack_.add(text));
  }

  template <class Container>
  void push_items(std::vector<PickleId> items) {
    stack_.count_items(items.size());
    stack_.push(stack_.add(Container{std::move(items)}));
  }

  void append(const std::vector<PickleId>& items) {
    auto* list = item_container<PickleList>(stack_, "appends to what is no list");
    stack_.count_items(items.size());
    if (list != nullptr) list->items.insert(list->items.end(), items.begin(), items.end());
  }

  void set_items(const std::vector<PickleId>& items) {
    auto* dict = item_container<PickleDict>(stack_, "sets items of what is no dictionary");
    if (items.size() % 2 != 0) stack_.refuse("a key has no value");
    stack_.count_items(items.size());
    for (std::size_t i = 0; dict != nullptr && i < items.size(); i += 2) {
      dict->items.emplace_back(items[i], items[i + 1]);
    }
  }

  PickleStack stack_;
  PickleCursor cursor_;
};

}  // namespace detail

/// Reads the pickle that `bytes` begin with (protocol 2 to 5) as data: nothing is ever called,
/// imported or unpacked, whatever names it mentions. The document views `bytes`. Throws
/// std::runtime_error "label: pickle byte n: reason".
inline PickleDocument read_pickle(std::span<const std::byte> bytes,
                                  const std::string& label = "memory") {
  return detail::PickleReader(bytes, label).read();
}

}  // namespace tessera::io
