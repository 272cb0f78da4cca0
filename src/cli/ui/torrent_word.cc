#include "cli/ui/torrent_word.h"

#include <fmt/format.h>
#include <unistd.h>

#include "engine/base/units.h"

namespace murder::cli {

Result<host::TorrentInput> load_torrent(const std::string& word, bool is_acted_on,
                                        const std::string& pins) {
  return word == "-" ? host::read_torrent(STDIN_FILENO, "standard input")
                     : host::load_torrent(word, is_acted_on, pins);
}

std::string pieces_text(uint32_t piece_count, uint64_t piece_bytes,
                        std::optional<uint32_t> hosts_expected) {
  std::string text = fmt::format("{} {} of {}", piece_count, piece_count == 1 ? "piece" : "pieces",
                                 format_size(piece_bytes));
  if (hosts_expected) {
    text +=
        fmt::format(", chosen for {} {}", *hosts_expected, *hosts_expected == 1 ? "host" : "hosts");
  }
  return text;
}

}  // namespace murder::cli
