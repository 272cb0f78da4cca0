// Fuzzes bencode: what is accepted can be walked, and (with its keys in order) is written back as
// it was.

#include <algorithm>
#include <span>
#include <string>

#include "engine/base/ensure.h"
#include "engine/codec/bencode.h"
#include "engine/codec/bounds.h"

using namespace murder;
using namespace murder::codec;

namespace {

bool copy(BencodeWriter& writer, const BencodeValue& value, uint32_t depth = 0);

// What is nested deeper than a writer goes, by another one.
bool copy_deeper(BencodeWriter& writer, const BencodeValue& value) {
  BencodeWriter deeper;
  const bool is_canonical = copy(deeper, value);
  writer.raw(deeper.take());
  return is_canonical;
}

// Copies the value. False when a dictionary has its keys out of order.
bool copy(BencodeWriter& writer, const BencodeValue& value, uint32_t depth) {
  const bool is_nested =
      value.type() == BencodeType::list || value.type() == BencodeType::dictionary;
  if (is_nested && depth == limits::bencode_written_depth_max) {
    return copy_deeper(writer, value);
  }
  bool is_canonical = true;
  switch (value.type()) {
    case BencodeType::integer:
      writer.integer(*value.integer());
      break;
    case BencodeType::string:
      writer.string(*value.bytes());
      break;
    case BencodeType::list: {
      writer.begin_list();
      BencodeItems items = value.items();
      while (const auto item = items.next()) {
        is_canonical = copy(writer, *item, depth + 1) && is_canonical;
      }
      writer.end();
      break;
    }
    case BencodeType::dictionary: {
      writer.begin_dictionary();
      BencodeEntries entries = value.entries();
      std::string_view last;
      bool is_first = true;
      while (const auto entry = entries.next()) {
        ENSURE(value.find(entry->key)->raw().data() == entry->value.raw().data());
        if (!is_first && entry->key <= last) {
          is_canonical = false;
          BencodeWriter elsewhere;
          copy(elsewhere, entry->value);
          continue;
        }
        is_first = false;
        last = entry->key;
        writer.key(entry->key);
        is_canonical = copy(writer, entry->value, depth + 1) && is_canonical;
      }
      writer.end();
      break;
    }
  }
  return is_canonical;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Result<BencodeValue> value = decode_bencode_prefix({data, size});
  if (!value) {
    return 0;
  }
  ENSURE(value->raw().data() == data && value->raw().size() <= size);
  ENSURE(decode_bencode({data, size}).has_value() == (value->raw().size() == size));
  BencodeWriter writer;
  if (copy(writer, *value)) {
    ENSURE(writer.take() == as_text_of(value->raw()));
  }
  return 0;
}
