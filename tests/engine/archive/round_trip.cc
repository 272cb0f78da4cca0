// Trees that are packed and unpacked again.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>

#include "engine/archive/bounds.h"
#include "engine/archive/make_compressor.h"
#include "engine/archive/pack_tree.h"
#include "engine/archive/tree_removal.h"
#include "engine/archive/unpack.h"
#include "support.h"

using namespace murder;
using namespace murder::archive;
using namespace murder::archive::testing;

namespace {

Result<Tree> walk(const std::string& path, Observer& observer) {
  const Result<Fd> root = open_file(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  return walk_tree(root->get(), {.root_name = path, .leave_out_git = true}, observer);
}

Result<std::string> pack(const std::string& path, ArchiveFormat format = ArchiveFormat::tar_zstd) {
  const Result<Fd> root = open_file(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  Notes notes;
  const Result<Tree> tree = walk(path, notes);
  if (!tree) {
    return fail(tree.error());
  }
  MemorySink sink;
  const auto compressor = make_compressor(
      {.format = format, .level = format == ArchiveFormat::tar ? std::nullopt : std::optional(1)},
      sink);
  REQUIRE(compressor);
  if (const auto packed = pack_tree(root->get(), *tree, {.root_name = path}, **compressor, notes);
      !packed) {
    return fail(packed.error());
  }
  CHECK(notes.last.bytes_done == tree->file_bytes);
  REQUIRE((*compressor)->finish());
  return sink.content;
}

void unpack_to(const std::string& archive, const std::string& target, const std::string& tag) {
  MemorySource source(archive);
  Notes notes;
  const Result<Unpacked> unpacked =
      unpack(source,
             {.archive_name = "test archive", .directory = target, .tag = tag, .keep_set_id = true},
             notes);
  REQUIRE_MESSAGE(unpacked, (unpacked ? "" : unpacked.error().text));
}

void check_round_trip(const std::string& source) {
  TemporaryDirectory temporary;
  const Result<std::string> archive = pack(source);
  REQUIRE_MESSAGE(archive, (archive ? "" : archive.error().text));
  unpack_to(*archive, temporary.path(), "v1");
  CHECK(listing(source) == listing(temporary / "v1"));
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"v1"});
  // The copy packs to the same bytes, so nothing that the archive tells was lost.
  const Result<std::string> again = pack(temporary / "v1");
  REQUIRE(again);
  CHECK(*again == *archive);
}

}  // namespace

TEST_CASE("random trees come back as they were, and pack to the same bytes again") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    Prng prng(seed);
    TemporaryDirectory temporary;
    make_random_tree(temporary / "tree", prng, 150);
    check_round_trip(temporary / "tree");
  }
}

TEST_CASE("all formats are told apart by their content") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  write_file(temporary / "tree/file", "content");
  for (const ArchiveFormat format :
       {ArchiveFormat::tar_zstd, ArchiveFormat::tar_gzip, ArchiveFormat::tar}) {
    const std::string tag = "out" + std::string(suffix_of(format));
    unpack_to(pack(temporary / "tree", format).value(), temporary.path(), tag);
    CHECK(listing(temporary / tag) == listing(temporary / "tree"));
  }
}

TEST_CASE("a tree larger than what is compressed at a time comes back") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  Prng prng(1);
  write_file(temporary / "tree/large", random_text(prng, 20'000'001));
  write_file(temporary / "tree/small", "content");
  for (const ArchiveFormat format : {ArchiveFormat::tar_zstd, ArchiveFormat::tar_gzip}) {
    const std::string tag = "out" + std::string(suffix_of(format));
    unpack_to(pack(temporary / "tree", format).value(), temporary.path(), tag);
    CHECK(listing(temporary / tag) == listing(temporary / "tree"));
  }
}

TEST_CASE("an empty tree is a release too") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree", 0750);
  check_round_trip(temporary / "tree");
}

TEST_CASE("holes stay holes, at the start, between and at the end") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  constexpr uint64_t mib = 1024 * 1024;
  write_file_at(temporary / "tree/end", 64 * mib - 5, "tail.");
  write_file_at(temporary / "tree/start", 0, std::string(5000, 's'));
  REQUIRE(::truncate((temporary / "tree/start").c_str(), 48 * mib) == 0);
  write_file_at(temporary / "tree/middle", 9 * mib, std::string(70000, 'm'));
  write_file_at(temporary / "tree/middle", 30 * mib, "x");
  REQUIRE(::truncate((temporary / "tree/middle").c_str(), 31 * mib + 7) == 0);
  write_file(temporary / "tree/all", "");
  REQUIRE(::truncate((temporary / "tree/all").c_str(), 20ULL * 1024 * mib) == 0);
  const std::string tar = pack(temporary / "tree", ArchiveFormat::tar).value();
  CHECK(tar.size() < 200000);
  unpack_to(tar, temporary.path(), "out");
  for (const char* name : {"end", "start", "middle"}) {
    CAPTURE(name);
    const std::string unpacked = temporary / (std::string("out/") + name);
    CHECK(read_file(unpacked) == read_file(temporary / (std::string("tree/") + name)));
    CHECK(blocks_of(unpacked) <= 400);
  }
  struct stat status {};
  REQUIRE(::stat((temporary / "out/all").c_str(), &status) == 0);
  CHECK(status.st_size == static_cast<off_t>(20ULL * 1024 * mib));
  CHECK(status.st_blocks == 0);
}

TEST_CASE("paths longer than the kernel takes at once, and a hundred levels deep, come back") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  // Made from below, since no single path reaches it.
  Fd at = std::move(*open_file(temporary / "tree", O_RDONLY | O_DIRECTORY));
  const std::string name(120, 'd');
  constexpr int levels = 120;
  static_assert(levels < static_cast<int>(limits::path_depth_max));
  for (int level = 0; level < levels; ++level) {
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
    at = Fd(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    REQUIRE(at.is_open());
  }
  const Fd file(::openat(at.get(), "deep", O_WRONLY | O_CREAT, 0644));
  REQUIRE(write_all(file.get(), as_bytes_of("deep content"), "deep"));
  check_round_trip(temporary / "tree");
}

TEST_CASE("names keep their bytes whatever the locale, also where it would compose characters") {
  const std::string previous = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"C", "C.UTF-8"}) {
    CAPTURE(locale);
    REQUIRE(std::setlocale(LC_ALL, locale) != nullptr);
    TemporaryDirectory temporary;
    make_directory(temporary / "tree");
    std::string decomposed;
    while (decomposed.size() < 150) {
      decomposed += "e\xcc\x81";
    }
    // Too long for a plain header: one is UTF-8, the other is not.
    write_file(temporary / ("tree/" + decomposed), "x");
    write_file(temporary / ("tree/" + std::string(150, '\xe9')), "x");
    check_round_trip(temporary / "tree");
  }
  std::setlocale(LC_ALL, previous.c_str());
}

TEST_CASE("what is too deep is refused, not cut") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  Fd at = std::move(*open_file(temporary / "tree", O_RDONLY | O_DIRECTORY));
  for (uint32_t level = 0; level <= limits::path_depth_max; ++level) {
    REQUIRE(::mkdirat(at.get(), "d", 0755) == 0);
    at = Fd(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY));
    REQUIRE(at.is_open());
  }
  const Result<std::string> archive = pack(temporary / "tree");
  REQUIRE_FALSE(archive);
  CHECK(archive.error().code == ErrorCode::limit);
}

TEST_CASE("entries named .git* are left out at every depth, others with git in the name stay") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  make_directory(temporary / "tree/.git");
  write_file(temporary / "tree/.git/config", "x");
  write_file(temporary / "tree/.gitignore", "x");
  make_directory(temporary / "tree/sub");
  write_file(temporary / "tree/sub/.gitattributes", "x");
  write_file(temporary / "tree/sub/git", "x");
  write_file(temporary / "tree/sub/x.git", "x");
  unpack_to(pack(temporary / "tree").value(), temporary.path(), "out");
  CHECK(names_in(temporary / "out") == std::vector<std::string>{"sub"});
  CHECK(names_in(temporary / "out/sub") == std::vector<std::string>{"git", "x.git"});
}

TEST_CASE("modes are exact whatever the umask") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree", 0777);
  write_file(temporary / "tree/all", "x", 0777);
  write_file(temporary / "tree/set-id", "x", 06755);
  make_directory(temporary / "tree/sticky", 01777);
  const mode_t previous = ::umask(0077);
  check_round_trip(temporary / "tree");
  ::umask(previous);
  Notes notes;
  REQUIRE(walk(temporary / "tree", notes));
  REQUIRE(notes.warnings.size() == 1);
  CHECK(notes.warnings[0].find("tree/set-id is set-id") != std::string::npos);
}

TEST_CASE("directories and files without write permission come back also for who is not root") {
  TemporaryDirectory temporary;
  REQUIRE(::chmod(temporary.path().c_str(), 0777) == 0);
  CHECK(runs_unprivileged([&temporary] {
    make_directory(temporary / "tree");
    make_directory(temporary / "tree/locked");
    make_directory(temporary / "tree/locked/deeper");
    write_file(temporary / "tree/locked/deeper/file", "content", 0444);
    for (const char* name : {"tree/locked/deeper", "tree/locked", "tree"}) {
      ::chmod((temporary / name).c_str(), 0555);
    }
    const Result<std::string> archive = pack(temporary / "tree");
    MemorySource source(archive.value_or(""));
    Notes notes;
    const UnpackOptions options{
        .archive_name = "test archive", .directory = temporary.path(), .tag = "v1"};
    if (!unpack(source, options, notes) ||
        listing(temporary / "tree") != listing(temporary / "v1")) {
      return false;
    }
    // And may be replaced and removed.
    MemorySource again(*archive);
    UnpackOptions replacing = options;
    replacing.replace = true;
    return unpack(again, replacing, notes).has_value() &&
           listing(temporary / "tree") == listing(temporary / "v1") &&
           names_in(temporary.path()).size() == 2;
  }));
}

TEST_CASE("a file that may not be read is named before anything is packed") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  write_file(temporary / "tree/secret", "x", 0000);
  CHECK(runs_unprivileged([&temporary] {
    const Result<std::string> archive = pack(temporary / "tree");
    return !archive && archive.error().code == ErrorCode::permission &&
           archive.error().text.find("tree/secret") != std::string::npos;
  }));
  REQUIRE(::chmod((temporary / "tree/secret").c_str(), 0644) == 0);
  make_directory(temporary / "tree/closed", 0000);
  CHECK(runs_unprivileged([&temporary] {
    const Result<std::string> archive = pack(temporary / "tree");
    return !archive && archive.error().text.find("tree/closed") != std::string::npos;
  }));
}

TEST_CASE("sockets are left out with a warning; fifos are refused") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  const Fd made(::socket(AF_UNIX, SOCK_STREAM, 0));
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  fmt::format_to_n(address.sun_path, sizeof(address.sun_path) - 1, "{}", temporary / "tree/sock");
  REQUIRE(::bind(made.get(), reinterpret_cast<struct sockaddr*>(&address), sizeof(address)) == 0);
  Notes notes;
  const Result<Tree> tree = walk(temporary / "tree", notes);
  REQUIRE(tree);
  CHECK(tree->entries.size() == 1);
  REQUIRE(notes.warnings.size() == 1);
  CHECK(notes.warnings[0].find("tree/sock is a socket") != std::string::npos);
  REQUIRE(::mkfifo((temporary / "tree/fifo").c_str(), 0644) == 0);
  const Result<Tree> refused = walk(temporary / "tree", notes);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().text.find("tree/fifo is a fifo") != std::string::npos);
}

namespace {

// Changes something when packing gets to the entry "a", or has read some of the entry "b".
class Meddler : public Observer {
 public:
  explicit Meddler(std::function<void()> meddle, bool within_b = false)
      : meddle_(std::move(meddle)), within_b_(within_b) {}
  void progress(const ByteProgress& progress) override {
    const bool is_time =
        within_b_ ? progress.path == "b" && progress.bytes_done > 1'000'000 : progress.path == "a";
    if (is_time && !done_) {
      done_ = true;
      meddle_();
    }
  }

 private:
  std::function<void()> meddle_;
  bool within_b_;
  bool done_ = false;
};

Result<PackedTree> pack_meddled(const std::string& path, std::function<void()> meddle,
                                bool within_b = false) {
  const Result<Fd> root = open_file(path, O_RDONLY | O_DIRECTORY);
  REQUIRE(root);
  Meddler meddler(std::move(meddle), within_b);
  const Result<Tree> tree = walk(path, meddler);
  REQUIRE(tree);
  MemorySink sink;
  return pack_tree(root->get(), *tree, {.root_name = path}, sink, meddler);
}

}  // namespace

TEST_CASE("files that change, shrink, grow, vanish or appear while packing make an Error") {
  struct Case {
    const char* what;
    const char* named;
    std::function<void(const std::string&)> meddle;
  };
  const std::vector<Case> cases = {
      {"rewritten", "tree/b", [](const std::string& b) { write_file(b, "other content"); }},
      {"shrunk", "tree/b", [](const std::string& b) { (void)!::truncate(b.c_str(), 3); }},
      {"grown", "tree/b", [](const std::string& b) { write_file_at(b, 100, "more"); }},
      {"vanished", "tree/b", [](const std::string& b) { ::unlink(b.c_str()); }},
      {"mode", "tree/b", [](const std::string& b) { ::chmod(b.c_str(), 0600); }},
      {"became a link", "tree/b",
       [](const std::string& b) {
         ::unlink(b.c_str());
         (void)!::symlink("/etc/passwd", b.c_str());
       }},
      {"became a fifo", "tree/b",
       [](const std::string& b) {
         ::unlink(b.c_str());
         ::mkfifo(b.c_str(), 0644);
       }},
      {"appeared", "tree", [](const std::string& b) { write_file(b + "2", "new"); }},
  };
  for (const Case& each : cases) {
    CAPTURE(each.what);
    TemporaryDirectory temporary;
    make_directory(temporary / "tree");
    write_file(temporary / "tree/a", "first");
    write_file(temporary / "tree/b", "second file");
    set_time(temporary / "tree/b", 1000000000);
    set_time(temporary / "tree", 1000000000);
    const Result<PackedTree> packed =
        pack_meddled(temporary / "tree", [&] { each.meddle(temporary / "tree/b"); });
    REQUIRE_FALSE(packed);
    CHECK(packed.error().code == ErrorCode::conflict);
    CHECK(packed.error().text.find(each.named) != std::string::npos);
  }
}

TEST_CASE("a file that changes while it is being read makes an Error") {
  const std::string content(4'000'000, 'x');
  const std::vector<std::function<void(const std::string&)>> meddlings = {
      [](const std::string& b) { (void)!::truncate(b.c_str(), 1'500'000); },
      [](const std::string& b) { write_file_at(b, 10, "new"); },
      [](const std::string& b) { write_file_at(b, 4'000'000, "more"); }};
  for (const auto& meddle : meddlings) {
    TemporaryDirectory temporary;
    make_directory(temporary / "tree");
    write_file(temporary / "tree/b", content);
    set_time(temporary / "tree/b", 1000000000);
    const Result<PackedTree> packed = pack_meddled(
        temporary / "tree", [&] { meddle(temporary / "tree/b"); }, true);
    REQUIRE_FALSE(packed);
    CHECK(packed.error().text.find("tree/b changed") != std::string::npos);
  }
}

TEST_CASE("packing and unpacking stop when told to, and leave nothing") {
  TemporaryDirectory temporary;
  make_directory(temporary / "tree");
  write_file(temporary / "tree/file", "x");
  const std::string archive = pack(temporary / "tree").value();
  CancelFlag cancel;
  cancel.set();
  MemorySource source(archive);
  Notes notes;
  const Result<Unpacked> unpacked = unpack(
      source, {.archive_name = "a", .directory = temporary.path(), .tag = "out", .cancel = &cancel},
      notes);
  REQUIRE_FALSE(unpacked);
  CHECK(unpacked.error().code == ErrorCode::interrupted);
  CHECK(names_in(temporary.path()) == std::vector<std::string>{"tree"});
  const Result<Fd> root = open_file(temporary / "tree", O_RDONLY | O_DIRECTORY);
  const Result<Tree> tree = walk_tree(root->get(), {.root_name = "tree", .cancel = &cancel}, notes);
  REQUIRE_FALSE(tree);
  CHECK(tree.error().code == ErrorCode::interrupted);
}
