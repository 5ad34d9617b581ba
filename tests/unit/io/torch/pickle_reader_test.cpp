#include "tessera/io/torch/pickle_reader.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/pickle.hpp"
#include "tessera/io/torch/zip_directory.hpp"

namespace tessera::io::test {

namespace {

std::string error_of_bytes(const std::string& text, std::size_t memory = 100'000) {
  const std::vector<std::byte> bytes = bytes_of(text);
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of(
      [&] { message = file_error([&] { read_pickle(bytes, "a.pth"); }); });
  CHECK(allocated < memory);
  return message;
}

std::string error_of(const std::string& opcodes, std::size_t memory = 100'000) {
  return error_of_bytes(p_whole(opcodes), memory);
}

struct Read {
  std::vector<std::byte> bytes;
  PickleDocument document;
  explicit Read(const std::string& opcodes)
      : bytes(bytes_of(p_whole(opcodes))), document(read_pickle(bytes)) {}
  template <class T>
  const T& root() const {
    return std::get<T>(document[document.root]);
  }
};

std::string repeated(const std::string& text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("plain values are read from every opcode that writes them") {
  CHECK(Read("\x88").root<bool>());
  CHECK_FALSE(Read("\x89").root<bool>());
  CHECK(std::holds_alternative<PickleNone>(Read("N").document[0]));
  CHECK(Read("K\xFF").root<std::int64_t>() == 255);
  CHECK(Read("M\xE9\x03").root<std::int64_t>() == 1001);
  CHECK(Read("J\xFE\xFF\xFF\xFF").root<std::int64_t>() == -2);
  CHECK(Read(std::string("\x8A\0", 2)).root<std::int64_t>() == 0);
  CHECK(Read("\x8A\x01\xFF").root<std::int64_t>() == -1);
  CHECK(Read(std::string("\x8A\x02\xFF\0", 4)).root<std::int64_t>() == 255);
  CHECK(Read(p_int(INT64_MIN)).root<std::int64_t>() == INT64_MIN);
  CHECK(Read(std::string("\x8B\x01\0\0\0\x05", 6)).root<std::int64_t>() == 5);
  CHECK(Read("\x8A\x09"
             "123456789")
            .root<PickleBytes>()
            .bytes == "123456789");
  CHECK(Read(std::string("G\xBF\xF8\0\0\0\0\0\0", 9)).root<double>() == -1.5);
  CHECK(Read(p_text("größe")).root<std::string_view>() == "größe");
  CHECK(Read("\x8C\x02"
             "ab")
            .root<std::string_view>() == "ab");
  CHECK(Read("\x8D" + number_bytes<std::uint64_t>(2) + "ab").root<std::string_view>() == "ab");
  CHECK(Read("U\x02"
             "ab")
            .root<std::string_view>() == "ab");
  CHECK(Read("T" + number_bytes<std::uint32_t>(2) + "ab").root<std::string_view>() == "ab");
  CHECK(Read("C\x01\xFF").root<PickleBytes>().bytes == "\xFF");
  CHECK(Read("B" + number_bytes<std::uint32_t>(1) + "x").root<PickleBytes>().bytes == "x");
  CHECK(Read("\x8E" + number_bytes<std::uint64_t>(1) + "x").root<PickleBytes>().bytes == "x");
  CHECK(Read("\x96" + number_bytes<std::uint64_t>(1) + "x").root<PickleBytes>().bytes == "x");
}

TEST_CASE("collections are read from every opcode that writes them") {
  CHECK(Read(")").root<PickleTuple>().items.empty());
  CHECK(Read("N\x85").root<PickleTuple>().items.size() == 1);
  CHECK(Read("NN\x86").root<PickleTuple>().items.size() == 2);
  CHECK(Read("NNN\x87").root<PickleTuple>().items.size() == 3);
  CHECK(Read("(NNNNt").root<PickleTuple>().items.size() == 4);
  CHECK(Read("]Na(NNe").root<PickleList>().items.size() == 3);
  CHECK(Read("\x8F(NN\x90").root<PickleList>().items.size() == 2);
  CHECK(Read("(NN\x91").root<PickleList>().items.size() == 2);
  CHECK(Read("}NNs(NNNNu").root<PickleDict>().items.size() == 3);
}

TEST_CASE("the memo, frames and names from the stack are understood") {
  const Read read("\x95" + number_bytes<std::uint64_t>(2) + std::string("]\x94h\0\x86", 5));
  CHECK(read.root<PickleTuple>().items[0] == read.root<PickleTuple>().items[1]);
  const Read memo("(" + p_text("a") + "q\x07" + "h\x07" + p_text("b") + "r" +
                  number_bytes<std::uint32_t>(300) + "j" + number_bytes<std::uint32_t>(300) + "t");
  const std::vector<PickleId>& items = memo.root<PickleTuple>().items;
  REQUIRE(items.size() == 4);
  CHECK(items[0] == items[1]);
  CHECK(items[2] == items[3]);
  const Read named(p_text("torch") + p_text("Size") + "\x93" + p_tuple({4}) + "\x85R");
  CHECK(named.root<PickleTuple>().items.size() == 1);
}

TEST_CASE("a document ends where its pickle ends") {
  const std::vector<std::byte> bytes = bytes_of(p_whole("N") + "rest");
  const PickleDocument document = read_pickle(bytes);
  CHECK(document.bytes == 4);
}

TEST_CASE("pickles that call are data: the name of what they call and the arguments") {
  for (const auto& [module, name] : {std::pair{"os", "system"},
                                     {"posix", "system"},
                                     {"builtins", "eval"},
                                     {"builtins", "exec"},
                                     {"builtins", "getattr"},
                                     {"__builtin__", "execfile"},
                                     {"subprocess", "Popen"},
                                     {"torch.hub", "load"},
                                     {"runpy", "run_path"}}) {
    const std::string call = p_text("exit 1") + "\x85R}" + p_text("a") + "Nsb";
    for (const std::string& opcodes :
         {p_global(module, name) + call, p_text(module) + p_text(name) + "\x93" + call}) {
      const Read read(opcodes);
      const auto& object = read.root<PickleObject>();
      const PickleGlobal* type = read.document.global(object.global);
      REQUIRE(type != nullptr);
      CHECK(type->module == module);
      CHECK(type->name == name);
      CHECK(type->kind == PickleGlobalKind::unknown);
      CHECK(read.document.get<PickleTuple>(object.arguments)->items.size() == 1);
      CHECK(read.document.get<PickleDict>(object.state)->items.size() == 1);
    }
  }
}

TEST_CASE("objects keep the items that are put into them") {
  const std::string object = p_global("lib", "Settings") + ")\x81";
  const Read dict(object + "}" + p_text("s") + "Nsb(" + p_text("a") + "K\x01" + p_text("b") +
                  "K\x02u" + p_text("c") + "K\x03s");
  const auto& settings = dict.root<PickleObject>();
  REQUIRE(dict.document.get<PickleDict>(settings.items) != nullptr);
  CHECK(dict.document.get<PickleDict>(settings.items)->items.size() == 3);
  CHECK(dict.document.get<PickleDict>(settings.state)->items.size() == 1);
  const Read list(object + "(NNe" + "Na");
  CHECK(list.document.get<PickleList>(list.root<PickleObject>().items)->items.size() == 3);
  // Of both kinds, the first that came is kept.
  const Read both(object + "Na" + p_text("a") + "Ns");
  CHECK(both.document.get<PickleList>(both.root<PickleObject>().items)->items.size() == 1);
}

TEST_CASE("values that were pushed for nothing are taken away") {
  CHECK(Read("K\x01K\x02"
             "0")
            .root<std::int64_t>() == 1);
  CHECK(Read("K\x01(K\x02K\x03"
             "1")
            .root<std::int64_t>() == 1);
  const Read made(p_global("lib", "Named") + "N\x85}\x92");
  CHECK(made.document.get<PickleTuple>(made.root<PickleObject>().arguments)->items.size() == 1);
}

TEST_CASE("opcodes that torch does not write are refused") {
  const auto refused = [](const std::string& code) {
    return "a.pth: pickle byte 2: opcode " + code + " is not one that checkpoints need";
  };
  CHECK(error_of("i") == refused("0x69 ('i')"));     // INST
  CHECK(error_of("o") == refused("0x6f ('o')"));     // OBJ
  CHECK(error_of("\x82\x01") == refused("0x82"));    // EXT1
  CHECK(error_of("\x97") == refused("0x97"));        // NEXT_BUFFER
  CHECK(error_of("P1\n") == refused("0x50 ('P')"));  // PERSID
  CHECK(error_of("I1\n") == refused("0x49 ('I')"));  // INT
  CHECK(error_of("2") == refused("0x32 ('2')"));     // DUP
  CHECK(error_of("\x80\x02N") == refused("0x80"));   // PROTO once more
  CHECK(error_of(std::string("\0", 1)) == refused("0x00"));
}

TEST_CASE("what is no pickle of protocol 2 to 5 is refused") {
  CHECK(error_of_bytes("") == "a.pth: pickle byte 0: needs 1 bytes, but the pickle ends after 0");
  CHECK(error_of_bytes("N.") ==
        "a.pth: pickle byte 0: does not begin as a pickle of protocol 2 or newer");
  CHECK(error_of_bytes("\x80\x01N.") == "a.pth: pickle byte 0: protocol 1 is not supported");
  CHECK(error_of_bytes("\x80\x06N.") == "a.pth: pickle byte 0: protocol 6 is not supported");
  CHECK(error_of("") == "a.pth: pickle byte 2: ends with 0 values");
  CHECK(error_of("NN") == "a.pth: pickle byte 4: ends with 2 values");
  CHECK(error_of("N(") == "a.pth: pickle byte 4: ends with 1 values");
}

TEST_CASE("lengths that lie are refused before anything is allocated") {
  const auto error = [](const std::string& opcodes) {
    return error_of_bytes("\x80\x02" + opcodes);
  };
  CHECK(error("X\xFF\xFF\xFF\xFF") ==
        "a.pth: pickle byte 2: needs 4294967295 bytes, but the pickle ends after 0");
  CHECK(error("\x8D" + number_bytes(~std::uint64_t{0}) + "ab") ==
        "a.pth: pickle byte 2: needs 18446744073709551615 bytes, but the pickle ends after 2");
  CHECK(error("\x8E" + number_bytes(std::uint64_t{1} << 63)) ==
        "a.pth: pickle byte 2: needs 9223372036854775808 bytes, but the pickle ends after 0");
  CHECK(error("\x8B\xFF\xFF\xFF\x7F") ==
        "a.pth: pickle byte 2: needs 2147483647 bytes, but the pickle ends after 0");
  CHECK(error("\x95" + number_bytes(~std::uint64_t{0})) ==
        "a.pth: pickle byte 2: frame runs past the end");
  CHECK(error("Nr\xFF\xFF\xFF\xFF") ==
        "a.pth: pickle byte 3: memo index 4294967295 is above the limit of 249999");
  CHECK(error("j\xFF\xFF\xFF\xFF") == "a.pth: pickle byte 2: memo index 4294967295 was never set");
  CHECK(error("c" + std::string(300, 'm')) ==
        "a.pth: pickle byte 2: a name has no end within its limit");
  CHECK(error("cos\nsys") == "a.pth: pickle byte 2: a name has no end within its limit");
  CHECK(error_of(p_text(std::string(300, 'm')) + p_text("n") + "\x93") ==
        "a.pth: pickle byte 313: a name is longer than 256 bytes");
}

TEST_CASE("values of the wrong kind are refused") {
  CHECK(error_of("NNa") == "a.pth: pickle byte 4: appends to what is no list");
  CHECK(error_of("NNNs") == "a.pth: pickle byte 5: sets items of what is no dictionary");
  CHECK(error_of("}(Nu") == "a.pth: pickle byte 5: a key has no value");
  CHECK(error_of("a") == "a.pth: pickle byte 2: takes a value from an empty stack");
  CHECK(error_of("t") == "a.pth: pickle byte 2: has no mark to go back to");
  CHECK(error_of("NN\x93") == "a.pth: pickle byte 4: a module is no text");
  CHECK(error_of("q\x01") == "a.pth: pickle byte 2: takes a value from an empty stack");
}

TEST_CASE("text that is not UTF-8 is bytes") {
  for (const char* text : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80",
                           "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "a\xC3z"}) {
    CHECK(Read(p_text(text)).root<PickleBytes>().bytes == text);
  }
  for (const char* text : {"", "plain", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
                           "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    CHECK(Read(p_text(text)).root<std::string_view>() == text);
  }
}

TEST_CASE("deep nesting and values that hold themselves are cut") {
  const auto reason_below = [](const std::string& opcodes) {
    const Read read(opcodes);
    PickleId id = read.document.root;
    while (detail::pickle_child_count(read.document[id]) > 0) {
      id = detail::pickle_child(read.document[id],
                                detail::pickle_child_count(read.document[id]) - 1);
    }
    const auto* left_out = read.document.get<PickleLeftOut>(id);
    return left_out == nullptr ? "(whole)" : read.document.reasons[left_out->reason];
  };
  CHECK(error_of(repeated("(", 10'001), 1'000'000) ==
        "a.pth: pickle byte 10002: holds more than 10000 open marks");
  CHECK(reason_below(repeated("]", 65) + repeated("a", 64)) == "lies deeper than 64");
  CHECK(reason_below(repeated("]", 64) + repeated("a", 63)) == "(whole)");
  CHECK(reason_below(repeated("}N", 100'000) + "N" + repeated("s", 100'000)) ==
        "lies deeper than 64");
  CHECK(error_of(repeated("}N", 100'000) + "N" + repeated("s", 100'000), 64'000'000) ==
        "(no exception)");
  CHECK(reason_below("]q\x01h\x01"
                     "a") == "holds itself");
}

TEST_CASE("pickles that unfold or repeat without end are refused in little memory") {
  constexpr std::size_t memory = 64'000'000;
  // "billion laughs": each list holds the one before ten times
  std::string laughs = "]q" + std::string(1, '\0');
  for (char i = 0; i < 12; ++i) {
    laughs += "](" + repeated(std::string("h") + i, 10) + "eq" + static_cast<char>(i + 1);
  }
  CHECK(error_of("(" + laughs + "t", memory) == "a.pth: shared values unfold to more than 2000000");
  CHECK(error_of(repeated("]", 600'000), memory) ==
        "a.pth: pickle byte 249998: holds more than 250000 values");
  CHECK(error_of(repeated("N", 2'100'000), memory) ==
        "a.pth: pickle byte 1000002: needs a stack of more than 1000000");
  CHECK(error_of("]q" + std::string(1, '\0') + repeated("Na", 2'000'001), memory)
            .ends_with("holds more than 1000000 items"));
  // Tuples and frozen sets count as well, whichever opcode makes them.
  for (const char* end : {"t", "\x91"}) {
    CHECK(error_of("(" + repeated("N", 999'000) + end + "(" + repeated("N", 999'000) + end + "\x86",
                   memory)
              .ends_with("holds more than 1000000 items"));
  }
  CHECK(error_of("N" + repeated("r" + number_bytes<std::uint32_t>(249'999), 100'000), memory) ==
        "(no exception)");
  const std::string storage = p_storage("FloatStorage", "0", 1);
  const std::string arguments = "(" + storage + p_int(0) + "))t";
  const std::string tensors =
      "](" + p_global("torch._utils", "_rebuild_tensor_v2") + "q\x01" + arguments + "q\x02R";
  CHECK(error_of(tensors + repeated("h\x01h\x02R", 100'000) + "e", memory)
            .ends_with("holds more than 50000 tensors"));
  const std::string id = storage.substr(0, storage.size() - 1) + "q\x01Q";
  CHECK(error_of("](" + id + repeated("h\x01Q", 100'000) + "e", memory)
            .ends_with("mentions storages more than 50000 times"));
}

TEST_CASE("a pickle of torch cut off at any byte is refused and named") {
  const std::vector<std::byte> file = read_file(golden / "torch/misc_protocol5.pt", 1 << 20);
  const ZipDirectory zip(file);
  const std::span<const std::byte> whole = zip.find("misc_protocol5/data.pkl")->bytes;
  CHECK(read_pickle(whole).bytes == whole.size());
  int accepted = 0;
  int unnamed = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message = file_error([&] { read_pickle(whole.first(size), "cut.pth"); });
    accepted += message == "(no exception)" ? 1 : 0;
    unnamed += message.starts_with("cut.pth: pickle byte ") ? 0 : 1;
  }
  CHECK(accepted == 0);
  CHECK(unnamed == 0);
}

}  // namespace tessera::io::test
