// Fuzzes HTTP heads and chunked bodies. What is read does not depend on how the input was cut. The
// first byte chooses what is read, the second where the input is cut.

#include <algorithm>
#include <span>
#include <string>

#include "engine/base/ensure.h"
#include "engine/codec/announce.h"
#include "engine/codec/bounds.h"
#include "engine/codec/http_head.h"

using namespace murder;
using namespace murder::codec;

namespace {

template <typename Parse>
void check_head(Parse parse, std::span<const uint8_t> input, size_t cut) {
  const auto whole = parse(input);
  const auto part = parse(input.first(cut));
  if (!whole || !*whole) {
    ENSURE(!part || !*part);
    return;
  }
  const size_t head_bytes = (*whole)->head_bytes;
  ENSURE(head_bytes <= input.size() && head_bytes <= limits::http_head_bytes_max);
  ENSURE(part.has_value() && part->has_value() == (cut >= head_bytes));
  for (const HeaderField& field : (*whole)->fields.all()) {
    ENSURE((*whole)->fields.find(field.name).has_value());
  }
}

struct Body {
  std::string payload;
  bool is_done = false;
  bool is_broken = false;
  size_t used_bytes = 0;
};

Body read_chunks(std::span<const uint8_t> input, size_t part_bytes) {
  ChunkedDecoder decoder;
  Body body;
  while (!body.is_broken && !decoder.is_done() && body.used_bytes < input.size()) {
    const size_t left = input.size() - body.used_bytes;
    const auto step = decoder.next(input.subspan(body.used_bytes, std::min(part_bytes, left)));
    body.is_broken = !step;
    if (step) {
      ENSURE(step->used_bytes > 0);
      body.payload += as_text_of(step->payload);
      body.used_bytes += step->used_bytes;
    }
  }
  body.is_done = decoder.is_done();
  return body;
}

void check_chunks(std::span<const uint8_t> input, size_t part_bytes) {
  const Body whole = read_chunks(input, input.size());
  const Body parts = read_chunks(input, part_bytes);
  ENSURE(whole.is_broken == parts.is_broken && whole.is_done == parts.is_done);
  ENSURE(whole.payload == parts.payload);
  ENSURE(whole.is_broken || whole.used_bytes == parts.used_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  const std::span<const uint8_t> rest(data + 2, size - 2);
  const size_t cut = rest.size() * data[1] / 256;
  switch (data[0] % 3) {
    case 0:
      check_head(parse_request_head, rest, cut);
      break;
    case 1:
      check_head(parse_response_head, rest, cut);
      break;
    default:
      check_chunks(rest, 1 + data[1] % 16);
      break;
  }
  return 0;
}
