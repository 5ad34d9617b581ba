#pragma once

#include <string>

#include "tessera/core/error.hpp"
#include "tessera/io/text/hex.hpp"

namespace tessera::io::detail {

/// The opcodes of pickle protocols 2 to 5 that checkpoints use, under the names that CPython's
/// pickletools gives them. What each one takes and pushes is said in pickletools as well.
enum class PickleOpcode : unsigned char {
  MARK = '(',
  STOP = '.',
  POP = '0',
  POP_MARK = '1',
  BINBYTES = 'B',
  SHORT_BINBYTES = 'C',
  BINFLOAT = 'G',
  BININT = 'J',
  BININT1 = 'K',
  BININT2 = 'M',
  NONE = 'N',
  BINPERSID = 'Q',
  REDUCE = 'R',
  BINSTRING = 'T',
  SHORT_BINSTRING = 'U',
  BINUNICODE = 'X',
  EMPTY_LIST = ']',
  APPEND = 'a',
  BUILD = 'b',
  GLOBAL = 'c',
  APPENDS = 'e',
  BINGET = 'h',
  LONG_BINGET = 'j',
  BINPUT = 'q',
  LONG_BINPUT = 'r',
  SETITEM = 's',
  TUPLE = 't',
  SETITEMS = 'u',
  EMPTY_DICT = '}',
  EMPTY_TUPLE = ')',
  NEWOBJ = 0x81,
  TUPLE1 = 0x85,
  TUPLE2 = 0x86,
  TUPLE3 = 0x87,
  NEWTRUE = 0x88,
  NEWFALSE = 0x89,
  LONG1 = 0x8A,
  LONG4 = 0x8B,
  SHORT_BINUNICODE = 0x8C,
  BINUNICODE8 = 0x8D,
  BINBYTES8 = 0x8E,
  EMPTY_SET = 0x8F,
  ADDITEMS = 0x90,
  FROZENSET = 0x91,
  NEWOBJ_EX = 0x92,
  STACK_GLOBAL = 0x93,
  MEMOIZE = 0x94,
  FRAME = 0x95,
  BYTEARRAY8 = 0x96,
};

/// An opcode's byte in messages: "0x69 ('i')".
inline std::string opcode_text(unsigned char code) {
  std::string text = "0x" + hex(code, 2);
  if (code > 0x20 && code < 0x7F) {
    text += concat(" ('", std::string(1, static_cast<char>(code)), "')");
  }
  return text;
}

}  // namespace tessera::io::detail
