#include "engine/trust/signature_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/trust/bounds.h"
#include "engine/trust/ssh_signature.h"

namespace murder::trust {
namespace {

tl::unexpected<Error> refuse_file(std::string_view what) {
  return fail(ErrorCode::invalid_input, fmt::format("not a file of signatures: {}", what));
}

// Where the next armour begins: at the start of a line.
size_t find_armour(std::string_view text) {
  if (text.starts_with(armour_begin)) {
    return 0;
  }
  const size_t end = text.find(fmt::format("\n{}", armour_begin));
  return end == std::string_view::npos ? end : end + 1;
}

}  // namespace

std::string encode_signature_file(const codec::SignedStatement& signed_statement) {
  std::string text = signed_statement.text;
  for (const std::string& signature : signed_statement.signatures) {
    text += add_armour(signature);
  }
  return text;
}

Result<codec::SignedStatement> parse_signature_file(std::string_view text) {
  if (text.size() > limits::signature_file_bytes_max) {
    return refuse_file("it is too large");
  }
  const size_t begin = find_armour(text);
  if (begin == std::string_view::npos || begin == 0 || begin > limits::statement_bytes_max) {
    return refuse_file(begin == 0 ? "it holds no statement" : "it holds no signature");
  }
  codec::SignedStatement found{.text = std::string(text.substr(0, begin))};
  text.remove_prefix(begin);
  while (!text.empty()) {
    if (found.signatures.size() == limits::signatures_max) {
      return refuse_file(fmt::format("more than {} signatures", limits::signatures_max));
    }
    const size_t end = text.find(fmt::format("\n{}", armour_end));
    if (!text.starts_with(armour_begin) || end == std::string_view::npos) {
      return refuse_file("a signature is cut off, or something stands between two");
    }
    const size_t size = end + 1 + armour_end.size();
    Result<std::string> blob = remove_armour(text.substr(0, size));
    if (!blob) {
      return refuse_file(blob.error().text);
    }
    found.signatures.push_back(std::move(*blob));
    text.remove_prefix(size);
    text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  }
  return found;
}

Status add_signature(codec::SignedStatement& signed_statement, std::string blob) {
  const Result<SshSignature> added = parse_ssh_signature(blob);
  if (!added) {
    return fail(added.error());
  }
  for (std::string& each : signed_statement.signatures) {
    const Result<SshSignature> other = parse_ssh_signature(each);
    if (other && other->key == added->key) {
      each = std::move(blob);
      return {};
    }
  }
  if (signed_statement.signatures.size() == limits::signatures_max) {
    return fail(ErrorCode::limit,
                fmt::format("it has {} signatures already", limits::signatures_max));
  }
  signed_statement.signatures.push_back(std::move(blob));
  return {};
}

}  // namespace murder::trust
