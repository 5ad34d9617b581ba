#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/pickle_rebuild.hpp"
#include "tessera/io/pickle_stack.hpp"
#include "tessera/io/pickle_value.hpp"

namespace tessera::io {

struct PickleOptions {
  /// Keep objects of classes that are not on the allow-list as data: what they were made with and
  /// their state. Still nothing is called. Off: such a name is an error.
  bool unknown_objects_as_data = false;
};

namespace detail {

/// Strict UTF-8: no overlong forms, no surrogates.
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto first = static_cast<unsigned char>(text[i]);
    const std::size_t size = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
    if (size == 0 || text.size() - i < size) return false;
    for (std::size_t k = 1; k < size; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return false;
    }
    const auto second = size > 1 ? static_cast<unsigned char>(text[i + 1]) : 0u;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
        (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) {
      return false;
    }
    i += size;
  }
  return true;
}

/// Runs a pickle's opcodes.
class PickleReader {
 public:
  PickleReader(std::span<const std::byte> bytes, const std::string& label,
               const PickleOptions& options)
      : bytes_(bytes), options_(options), stack_(label) {}

  PickleDocument read() && {
    if (take(1) != "\x80") stack_.refuse("does not begin as a pickle of protocol 2 or newer");
    const auto protocol = number<std::uint8_t>();
    if (protocol < 2 || protocol > 5) stack_.refuse("protocol ", protocol, " is not supported");
    while (step()) {
    }
    return std::move(stack_).finish(position_);
  }

 private:
  /// One opcode; false at the end of the pickle.
  bool step() {
    stack_.at(position_);
    const auto code = static_cast<unsigned char>(take(1).front());
    switch (code) {
      case '.':
        return false;
      case 0x95:  // FRAME: how many bytes follow; of use to streams only
        if (number<std::uint64_t>() > bytes_.size() - position_) {
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
        push_integer(number<std::uint8_t>());
        break;
      case 'M':
        push_integer(number<std::uint16_t>());
        break;
      case 'J':
        push_integer(number<std::int32_t>());
        break;
      case 0x8A:  // LONG1
        push_long(take(number<std::uint8_t>()));
        break;
      case 0x8B:  // LONG4
        push_long(take(number<std::uint32_t>()));
        break;
      case 'G':
        push_real(take(8));
        break;
      case 'X':  // BINUNICODE
        push_text(take(number<std::uint32_t>()));
        break;
      case 0x8C:  // SHORT_BINUNICODE
        push_text(take(number<std::uint8_t>()));
        break;
      case 0x8D:  // BINUNICODE8
        push_text(take(number<std::uint64_t>()));
        break;
      case 'U':  // SHORT_BINSTRING, a str of Python 2
        push_text(take(number<std::uint8_t>()));
        break;
      case 'T':  // BINSTRING
        push_text(take(number<std::uint32_t>()));
        break;
      case 'C':  // SHORT_BINBYTES
        stack_.push(stack_.add(PickleBytes{take(number<std::uint8_t>())}));
        break;
      case 'B':  // BINBYTES
        stack_.push(stack_.add(PickleBytes{take(number<std::uint32_t>())}));
        break;
      case 0x8E:  // BINBYTES8
      case 0x96:  // BYTEARRAY8
        stack_.push(stack_.add(PickleBytes{take(number<std::uint64_t>())}));
        break;
      case ')':
        stack_.push(stack_.empty_tuple);
        break;
      case 't':
        stack_.push(stack_.add(PickleTuple{stack_.pop_to_mark()}));
        break;
      case 0x85:  // TUPLE1, 2, 3
      case 0x86:
      case 0x87:
        stack_.push(stack_.add(PickleTuple{stack_.pop_many(code - 0x84u)}));
        break;
      case ']':
      case 0x8F:  // EMPTY_SET
        stack_.push(stack_.add(PickleList{}));
        break;
      case 0x91:  // FROZENSET
        stack_.push(stack_.add(PickleList{stack_.pop_to_mark()}));
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
        stack_.push_memo(number<std::uint8_t>());
        break;
      case 'j':
        stack_.push_memo(number<std::uint32_t>());
        break;
      case 'q':
        stack_.set_memo(number<std::uint8_t>());
        break;
      case 'r':
        stack_.set_memo(number<std::uint32_t>());
        break;
      case 0x94:  // MEMOIZE
        stack_.set_memo(stack_.memo_size());
        break;
      case 'c': {
        const std::string_view module = line();
        push_global(module, line());
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

  static std::string hexadecimal(unsigned char code) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text = {'0', 'x', digits[code >> 4], digits[code & 15]};
    if (code > 0x20 && code < 0x7F) {
      text += text_of(" ('", std::string_view(reinterpret_cast<const char*>(&code), 1), "')");
    }
    return text;
  }

  std::string_view take(std::uint64_t count) {
    const std::uint64_t left = bytes_.size() - position_;
    if (count > left) stack_.refuse("needs ", count, " bytes, but the pickle ends after ", left);
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                 static_cast<std::size_t>(count));
    position_ += taken.size();
    return taken;
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  /// Up to the next line feed, which is skipped.
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                std::min(bytes_.size() - position_, PickleLimits::name_bytes + 1));
    const std::size_t size = rest.find('\n');
    if (size == std::string_view::npos) stack_.refuse("a name has no end within its limit");
    position_ += size + 1;
    return rest.substr(0, size);
  }

  void push_integer(std::int64_t value) { stack_.push(stack_.add(value)); }

  void push_long(std::string_view bytes) {
    if (bytes.size() > 8) return stack_.push(stack_.add(PickleBytes{bytes}));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    if (!bytes.empty() && bytes.size() < 8 && (bytes.back() & 0x80) != 0) {
      value |= ~std::uint64_t{0} << (8 * bytes.size());
    }
    push_integer(static_cast<std::int64_t>(value));
  }

  void push_real(std::string_view bytes) {  // big-endian
    std::uint64_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    stack_.push(stack_.add(std::bit_cast<double>(value)));
  }

  void push_text(std::string_view text) {
    if (!is_utf8(text)) stack_.refuse("text is not UTF-8");
    stack_.push(stack_.add(text));
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

  std::span<const std::byte> bytes_;
  const PickleOptions& options_;
  PickleStack stack_;
  std::size_t position_ = 0;
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
