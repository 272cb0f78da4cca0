#include "engine/codec/signed_statement.h"

#include <algorithm>

#include "engine/codec/bounds.h"

namespace murder::codec {

std::optional<SignedStatement> signed_statement_of(const BencodeValue& torrent) {
  const std::optional<BencodeValue> value = torrent.find(signed_statement_key);
  if (!value) {
    return std::nullopt;
  }
  const std::optional<std::string_view> text = value->find_text("statement");
  const std::optional<BencodeValue> list = value->find("signatures");
  if (!text || text->empty() || text->size() > limits::statement_bytes_max || !list ||
      !list->is_list()) {
    return std::nullopt;
  }
  SignedStatement found{.text = std::string(*text)};
  BencodeItems items = list->items();
  while (const std::optional<BencodeValue> item = items.next()) {
    const std::optional<std::string_view> signature = item->text();
    if (!signature || signature->size() > limits::signature_bytes_max ||
        found.signatures.size() == limits::signatures_max) {
      return std::nullopt;
    }
    found.signatures.emplace_back(*signature);
  }
  return found;
}

void write_signed_statement(BencodeWriter& writer, const SignedStatement& signed_statement) {
  writer.begin_dictionary();
  writer.key("signatures");
  writer.begin_list();
  for (const std::string& signature : signed_statement.signatures) {
    writer.string(signature);
  }
  writer.end();
  writer.key("statement");
  writer.string(signed_statement.text);
  writer.end();
}

Result<std::string> with_signed_statement(std::span<const uint8_t> torrent,
                                          const SignedStatement& signed_statement) {
  const Result<BencodeValue> root = decode_bencode_prefix(torrent);
  if (!root || !root->is_dictionary()) {
    return fail(ErrorCode::invalid_input, "torrent: damaged, or not a torrent");
  }
  BencodeWriter value;
  write_signed_statement(value, signed_statement);
  struct Entry {
    std::string_view key;
    std::string_view raw;
  };
  const std::string written = value.take();
  std::vector<Entry> all = {{.key = signed_statement_key, .raw = written}};
  BencodeEntries entries = root->entries();
  while (const std::optional<BencodeEntry> entry = entries.next()) {
    if (entry->key != signed_statement_key) {
      all.push_back({.key = entry->key, .raw = as_text_of(entry->value.raw())});
    }
  }
  // Some programs write them out of order.
  std::sort(all.begin(), all.end(),
            [](const Entry& one, const Entry& other) { return one.key < other.key; });
  BencodeWriter writer;
  writer.begin_dictionary();
  for (const Entry& entry : all) {
    writer.key(entry.key);
    writer.raw(entry.raw);
  }
  writer.end();
  return writer.take();
}

}  // namespace murder::codec
