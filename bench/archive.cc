// What confining the thread that unpacks costs: its start, and the filter at each system call.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/archive/confined_thread.h"
#include "engine/archive/create_release.h"
#include "engine/archive/unpack.h"

using namespace murder;
using namespace murder::archive;

namespace {

// Removed at its end.
class Scratch {
 public:
  Scratch() {
    const char* place = std::getenv("TMPDIR");
    path_ = std::string(place != nullptr ? place : "/tmp") + "/murder-bench-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) {
      std::abort();
    }
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A tree of files of a tenth of a page, for which a system call counts most.
std::string make_archive(const std::string& place, int64_t file_count) {
  const std::string tree = place + "/tree";
  std::filesystem::create_directory(tree);
  for (int64_t number = 0; number < file_count; ++number) {
    std::ofstream(tree + "/" + std::to_string(number)) << std::string(400, 'x');
  }
  Observer observer;
  const Result<CreatedRelease> created =
      create_release({.source = tree, .tag = "v1", .directory = place}, observer);
  return created ? created->archive_path : std::string();
}

void unpack_small_files(benchmark::State& state) {
  const Scratch scratch;
  const std::string archive = make_archive(scratch.path(), state.range(0));
  const std::string target = scratch.path() + "/to";
  for (auto _ : state) {
    Observer observer;
    Result<FileSource> source = FileSource::open(archive);
    const Result<Unpacked> unpacked = unpack(*source,
                                             {.archive_name = "v1",
                                              .directory = target,
                                              .tag = "v1",
                                              .is_confined = state.range(1) != 0},
                                             observer);
    state.PauseTiming();
    if (!unpacked) {
      state.SkipWithError(unpacked.error().text.c_str());
    }
    std::filesystem::remove_all(target);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(unpack_small_files)
    ->ArgNames({"files", "confined"})
    ->ArgsProduct({{1, 2000}, {0, 1}})
    ->MeasureProcessCPUTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
