#include "engine/host/agent_key_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/random_word.h"
#include "engine/base/small_file.h"
#include "engine/host/bounded_read.h"
#include "engine/trust/bounds.h"

namespace murder::host {
namespace {

Result<trust::AgentKey> load_agent_key(const std::string& path) {
  const Result<std::string> text =
      read_private_file(path, "the agent's key", limits::private_key_file_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  Result<trust::AgentKey> key = trust::parse_private_key(*text);
  if (!key) {
    return fail(key.error().code, fmt::format("{}: {}", path, key.error().text));
  }
  return key;
}

Result<trust::AgentKey> make_agent_key(std::string_view path) {
  trust::Secret seed{};
  if (const Status filled = fill_random(seed); !filled) {
    return fail(filled.error().code, fmt::format("cannot make {}: {}", path, filled.error().text));
  }
  return trust::agent_key_of(seed);
}

// The name is given to a file that is whole already, and to no second one.
Status save_agent_key(const std::string& path, std::string_view text) {
  const size_t name_begin = path.rfind('/') + 1;  // 0 where there is no slash
  const std::string directory = path.substr(0, name_begin);
  const std::string fresh = directory + hidden_name_for(path.substr(name_begin));
  const SmallFile properties{.directory = {}, .name = {}, .mode = 0600, .ignores_umask = true};
  if (Status written = write_small_file(fresh, text, properties); !written) {
    return written;
  }
  const int linked = ::link(fresh.c_str(), path.c_str()) == 0 ? 0 : errno;
  ::unlink(fresh.c_str());
  if (linked != 0 && linked != EEXIST) {
    return fail_errno(linked, "cannot write " + path);
  }
  return sync_directory(directory.empty() ? "." : directory);
}

}  // namespace

Result<trust::AgentKey> load_or_make_agent_key(const std::string& path, std::string_view comment) {
  Result<trust::AgentKey> found = load_agent_key(path);
  if (found || found.error().code != ErrorCode::not_found) {
    return found;
  }
  const Result<trust::AgentKey> made = make_agent_key(path);
  if (!made) {
    return made;
  }
  if (Status saved = save_agent_key(path, trust::encode_private_key(*made, comment)); !saved) {
    return fail(saved.error());
  }
  return load_agent_key(path);
}

}  // namespace murder::host
