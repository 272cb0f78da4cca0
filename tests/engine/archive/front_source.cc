// An archive that is unpacked while it comes.
#include "engine/archive/front_source.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

// Reads a source to its end on a thread, and tells how far it is.
class Reader {
 public:
  explicit Reader(FrontSource& source) : thread_([this, &source] { run(source); }) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { thread_.join(); }

  void wait_for(size_t bytes) const {
    while (done_.load(std::memory_order_acquire) < bytes && !ended_.load()) {
      std::this_thread::yield();
    }
  }
  [[nodiscard]] size_t done() const { return done_.load(std::memory_order_acquire); }
  // After it ended.
  [[nodiscard]] std::string content() const { return content_; }
  [[nodiscard]] const Status& status() const { return status_; }
  void wait_for_end() const {
    while (!ended_.load()) {
      std::this_thread::yield();
    }
  }

 private:
  void run(FrontSource& source) {
    std::vector<uint8_t> into(100000);
    while (true) {
      const Result<size_t> got = source.read(into);
      if (!got) {
        status_ = fail(got.error());
        break;
      }
      if (*got == 0) {
        break;
      }
      content_.append(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(*got));
      done_.store(content_.size(), std::memory_order_release);
    }
    ended_.store(true);
  }

  std::string content_;
  Status status_;
  std::atomic<size_t> done_{0};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

// Out of the page cache, where the file system lets go of it.
void make_cold(const std::string& path) {
  const Fd file = std::move(*open_file(path, O_RDWR));
  REQUIRE(::fsync(file.get()) == 0);
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

// Unpacks on a thread what is behind a front.
class Unpacker {
 public:
  Unpacker(std::string archive, const VerifiedFront& front, uint64_t size_bytes,
           UnpackOptions options)
      : thread_(
            [this, archive = std::move(archive), &front, size_bytes, options = std::move(options)] {
              Result<FrontSource> source = FrontSource::open(archive, size_bytes, front);
              result_ = source ? unpack(*source, options, notes_) : fail(source.error());
            }) {}
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;
  ~Unpacker() { end(); }

  const Result<Unpacked>& end() {
    if (thread_.joinable()) {
      thread_.join();
    }
    return result_;
  }

 private:
  Notes notes_;
  Result<Unpacked> result_ = fail(ErrorCode::io, "it has not ended");
  std::thread thread_;
};

// An archive that comes as its front is told, and is unpacked meanwhile to the tag v1 in `to`.
struct Arriving {
  explicit Arriving(const std::string& archive)
      : unpacker(place(archive), front, archive.size(),
                 {.archive_name = "a.tar", .directory = temporary / "to", .tag = "v1"}) {}

  [[nodiscard]] std::vector<std::string> names() const { return names_in(temporary / "to"); }
  // The tree under its hidden name, when it is there.
  [[nodiscard]] std::string wait_for_hidden() const {
    while (names().empty()) {
      std::this_thread::yield();
    }
    return temporary / ("to/" + names().front());
  }

  TemporaryDirectory temporary;
  VerifiedFront front;
  Unpacker unpacker;

 private:
  [[nodiscard]] std::string place(const std::string& archive) const {
    write_file(temporary / "a.tar", archive);
    make_directory(temporary / "to");
    return temporary / "a.tar";
  }
};

std::string two_files(Prng& prng) {
  return raw_tar({{.path = "", .type = EntryType::directory, .mode = 0755},
                  {.path = "first", .content = random_text(prng, 3000000)},
                  {.path = "second", .content = random_text(prng, 2000000)}});
}

}  // namespace

TEST_CASE("a source gives what is before the front, never more, and all of it in the end") {
  Prng prng(51);
  TemporaryDirectory temporary;
  const std::string content = random_text(prng, 5 * 1024 * 1024 + 777);
  // Pieces of a page, and of a size that no page fits into.
  for (const size_t step : {size_t{256} * 1024, size_t{100'001}}) {
    for (const bool is_cold : {false, true}) {
      write_file(temporary / "f", content);
      if (is_cold) {
        make_cold(temporary / "f");
      }
      VerifiedFront front;
      Result<FrontSource> source = FrontSource::open(temporary / "f", content.size(), front);
      REQUIRE(source);
      CHECK(source->size_bytes() == content.size());
      const Reader reader(*source);
      for (size_t told = 0; told < content.size();) {
        CHECK(reader.done() <= told);
        told = std::min(content.size(), told + step);
        front.advance(told);
        reader.wait_for(told);
        CHECK(reader.done() == told);
      }
      reader.wait_for_end();
      CHECK(reader.status());
      CHECK(reader.content() == content);
    }
  }
}

TEST_CASE("what is written just before the front moves is what is read") {
  Prng prng(52);
  TemporaryDirectory temporary;
  const std::string content = random_text(prng, 3 * 1024 * 1024);
  write_file(temporary / "f", "");
  REQUIRE(::truncate((temporary / "f").c_str(), static_cast<off_t>(content.size())) == 0);
  VerifiedFront front;
  Result<FrontSource> source = FrontSource::open(temporary / "f", content.size(), front);
  REQUIRE(source);
  const Reader reader(*source);
  constexpr size_t step = 64 * 1024;
  for (size_t at = 0; at < content.size(); at += step) {
    write_file_at(temporary / "f", at, std::string_view(content).substr(at, step));
    front.advance(at + step);
  }
  reader.wait_for_end();
  CHECK(reader.content() == content);
}

TEST_CASE("a front that stops ends the source, whether it waits or has bytes to give") {
  TemporaryDirectory temporary;
  const std::string content(300000, 'x');
  write_file(temporary / "f", content);
  {
    VerifiedFront front;
    Result<FrontSource> source = FrontSource::open(temporary / "f", content.size(), front);
    REQUIRE(source);
    const Reader reader(*source);
    front.advance(4096);
    reader.wait_for(4096);
    front.stop();
    reader.wait_for_end();
    REQUIRE_FALSE(reader.status());
    CHECK(reader.status().error().code == ErrorCode::interrupted);
  }
  VerifiedFront front;
  front.stop();
  front.advance(content.size());
  CHECK_FALSE(front.wait_beyond(0));
  Result<FrontSource> source = FrontSource::open(temporary / "f", content.size(), front);
  REQUIRE(source);
  std::vector<uint8_t> into(10);
  const Result<size_t> got = source->read(into);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == ErrorCode::interrupted);
}

TEST_CASE("a file that lacks what the front promised is an Error") {
  TemporaryDirectory temporary;
  write_file(temporary / "f", std::string(5000, 'x'));
  for (const bool is_cold : {false, true}) {
    if (is_cold) {
      make_cold(temporary / "f");
    }
    VerifiedFront front;
    front.advance(9000);
    Result<FrontSource> source = FrontSource::open(temporary / "f", 9000, front);
    REQUIRE(source);
    std::vector<uint8_t> into(10000);
    const Result<size_t> got = source->read(into);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == ErrorCode::conflict);
  }
  CHECK_FALSE(FrontSource::open(temporary / "missing", 9000, VerifiedFront()));
}

TEST_CASE("a tree is made while its archive comes, and has its name when the last byte is there") {
  Prng prng(53);
  const std::string tar = two_files(prng);
  Arriving arriving(tar);
  arriving.front.advance(4'000'000);
  const std::string hidden = arriving.wait_for_hidden();
  CHECK(hidden.starts_with(arriving.temporary / "to/.v1.murder-"));
  // The first file is whole before the second one is here.
  while (!exists(hidden + "/second")) {
    std::this_thread::yield();
  }
  CHECK(read_file(hidden + "/first").size() == 3000000);
  arriving.front.advance(tar.size() - 1);
  CHECK_FALSE(exists(arriving.temporary / "to/v1"));
  arriving.front.advance(tar.size());
  REQUIRE(arriving.unpacker.end());
  CHECK(arriving.names() == std::vector<std::string>{"v1"});
  CHECK(read_file(arriving.temporary / "to/v1/second").size() == 2000000);
}

TEST_CASE("one that is stopped in the middle leaves nothing") {
  Prng prng(54);
  Arriving arriving(two_files(prng));
  arriving.front.advance(1'000'000);
  (void)arriving.wait_for_hidden();
  arriving.front.stop();
  REQUIRE_FALSE(arriving.unpacker.end());
  CHECK(arriving.unpacker.end().error().code == ErrorCode::interrupted);
  CHECK(arriving.names().empty());
}

TEST_CASE("a tree whose archive goes on behind its end has no name before all of that is there") {
  Prng prng(57);
  const std::string tar = two_files(prng);
  Arriving arriving(tar + std::string(300'000, '\0'));
  arriving.front.advance(tar.size());
  const std::string hidden = arriving.wait_for_hidden();
  while (!exists(hidden + "/second") || read_file(hidden + "/second").size() < 2000000) {
    std::this_thread::yield();
  }
  // All entries are made: time for a name that comes too early to be seen.
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK_FALSE(exists(arriving.temporary / "to/v1"));
  arriving.front.stop();
  REQUIRE_FALSE(arriving.unpacker.end());
  CHECK(arriving.unpacker.end().error().code == ErrorCode::interrupted);
  CHECK(arriving.names().empty());
}

TEST_CASE("a hostile entry is refused before the rest of the archive is there") {
  Prng prng(55);
  Arriving arriving(raw_tar({{.path = "fine", .content = "x"},
                             {.path = "../out", .content = "bad"},
                             {.path = "more", .content = random_text(prng, 3000000)}}));
  arriving.front.advance(1'000'000);
  REQUIRE_FALSE(arriving.unpacker.end());
  CHECK(arriving.unpacker.end().error().text.find("entry ../out") != std::string::npos);
  CHECK(arriving.names().empty());
}

TEST_CASE("what appears at the target in the meantime stays") {
  Prng prng(56);
  const std::string tar = two_files(prng);
  Arriving arriving(tar);
  (void)arriving.wait_for_hidden();
  make_directory(arriving.temporary / "to/v1");
  write_file(arriving.temporary / "to/v1/theirs", "theirs");
  arriving.front.advance(tar.size());
  REQUIRE_FALSE(arriving.unpacker.end());
  CHECK(arriving.unpacker.end().error().code == ErrorCode::exists);
  CHECK(arriving.names() == std::vector<std::string>{"v1"});
  CHECK(names_in(arriving.temporary / "to/v1") == std::vector<std::string>{"theirs"});
}
