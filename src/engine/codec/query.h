// The query of a URL as keys and values: "a=1&b=%20".
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/types.h"
#include "engine/codec/url.h"

namespace murder::codec {

struct QueryPair {
  std::string_view key;
  std::string_view value;  // raw; empty where there is no '='
};

// Walks over a raw query. Empty stretches ("a&&b") are passed over.
class QueryPairs {
 public:
  explicit QueryPairs(std::string_view query) : rest_(query) {}

  [[nodiscard]] std::optional<QueryPair> next() {
    while (!rest_.empty()) {
      const size_t end = std::min(rest_.find('&'), rest_.size());
      const std::string_view pair = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      if (!pair.empty()) {
        const size_t equals = std::min(pair.find('='), pair.size());
        return QueryPair{pair.substr(0, equals), pair.substr(std::min(equals + 1, pair.size()))};
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view rest_;
};

// Appends "key=value", after '&' if there is something before it; the value may be any bytes.
inline void append_query(std::string& query, std::string_view key, std::string_view value) {
  if (!query.empty()) {
    query.push_back('&');
  }
  query.append(key).push_back('=');
  append_percent_encoded(query, as_bytes_of(value));
}

inline void append_query_unless_empty(std::string& query, std::string_view key,
                                      std::string_view value) {
  if (!value.empty()) {
    append_query(query, key, value);
  }
}

}  // namespace murder::codec
