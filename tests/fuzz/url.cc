// Fuzzes URLs, redirects and percent escapes.

#include <algorithm>
#include <string>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/codec/http_head.h"
#include "engine/codec/url.h"

using namespace murder;
using namespace murder::codec;

namespace {

// What is accepted prints to a URL that reads the same, and fits into a request.
void check_url(const Url& url) {
  const Result<Url> again = Url::parse(url.text());
  ENSURE(again && *again == url);
  std::string head;
  append_request_head(head, {.target = url.target(), .host = url.authority()});
  const auto request = parse_request_head(as_bytes_of(head));
  ENSURE(request && *request);
  ENSURE((*request)->head_bytes == head.size() && (*request)->query == url.query);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = as_text_of({data, std::min<size_t>(size, 4000)});
  if (const Result<Url> url = Url::parse(text)) {
    check_url(*url);
  }
  if (const Result<Url> url = resolve_url({.host = "h", .path = "/a/b", .query = "q"}, text)) {
    check_url(*url);
  }
  if (const Result<std::string> decoded = percent_decode(text)) {
    ENSURE(*percent_decode(percent_encode(*decoded)) == *decoded);
  }
  return 0;
}
