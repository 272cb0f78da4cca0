#include "engine/archive/parallel_compressor.h"

#include <doctest/doctest.h>

#include <atomic>

#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

// "<text>" of each part; the first parts take longest, so that they are made out of order.
class Brackets final : public PartCompressor {
 public:
  explicit Brackets(std::atomic<int>& compressed) : compressed_(compressed) {}
  Status compress(std::span<const uint8_t> part, std::vector<uint8_t>& output) override {
    compressed_.fetch_add(1);
    if (!part.empty() && part[0] == '!') {
      return fail(ErrorCode::io, "not this one");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(part.empty() ? 0 : part[0] % 7 * 300));
    const std::string text = "<" + std::string(as_text_of(part)) + ">";
    output.assign(text.begin(), text.end());
    return {};
  }

 private:
  std::atomic<int>& compressed_;
};

class FullSink final : public ByteSink {
 public:
  Status write(std::span<const uint8_t>) override {
    return fail(ErrorCode::no_space, "the disk is full");
  }
};

std::vector<std::unique_ptr<PartCompressor>> brackets(uint32_t threads, std::atomic<int>& count) {
  std::vector<std::unique_ptr<PartCompressor>> all;
  for (uint32_t thread = 0; thread < threads; ++thread) {
    all.push_back(std::make_unique<Brackets>(count));
  }
  return all;
}

Status compress(const std::string& text, size_t step, uint32_t threads, ByteSink& sink) {
  std::atomic<int> count = 0;
  const uint32_t spare_parts = 1 + threads % 2;  // both numbers that are used
  ParallelCompressor compressor(sink, 3, spare_parts, brackets(threads, count));
  for (size_t at = 0; at < text.size(); at += step) {
    if (Status status = compressor.write(as_bytes_of(std::string_view(text).substr(at, step)));
        !status) {
      return status;
    }
  }
  return compressor.finish();
}

}  // namespace

TEST_CASE("parts are written in the order of the input, whoever is done first") {
  std::string text;
  std::string expected;
  for (int part = 0; part < 200; ++part) {
    const std::string one = {static_cast<char>('a' + part % 26), static_cast<char>('a' + part / 26),
                             '.'};
    text += one;
    expected += "<" + one + ">";
  }
  for (const uint32_t threads : {1U, 2U, 7U}) {
    for (const size_t step : {1U, 3U, 4U, 1000U}) {
      MemorySink sink;
      REQUIRE(compress(text, step, threads, sink));
      CHECK(sink.content == expected);
    }
  }
}

TEST_CASE("the last part is as long as what is left, and nothing is one part") {
  const auto made = [](const std::string& text) {
    MemorySink sink;
    REQUIRE(compress(text, 2, 2, sink));
    return sink.content;
  };
  CHECK(made("") == "<>");
  CHECK(made("ab") == "<ab>");
  CHECK(made("abc") == "<abc>");
  CHECK(made("abcd") == "<abc><d>");
  CHECK(made("abcdefghijkl") == "<abc><def><ghi><jkl>");  // as many parts as there are places
}

TEST_CASE("a part that cannot be compressed, or not be written, ends it with that reason") {
  MemorySink sink;
  const Status refused = compress("abcdef!hijkl", 5, 2, sink);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text == "not this one");
  CHECK(sink.content == "<abc><def>");
  FullSink full;
  const Status unwritten = compress(std::string(100, 'a'), 9, 2, full);
  REQUIRE_FALSE(unwritten);
  CHECK(unwritten.error().code == ErrorCode::no_space);
}

TEST_CASE("threads that have nothing to do end") {
  MemorySink sink;
  std::atomic<int> count = 0;
  { const ParallelCompressor unused(sink, 3, 2, brackets(8, count)); }
  CHECK(count == 0);
  CHECK(sink.content.empty());
}
