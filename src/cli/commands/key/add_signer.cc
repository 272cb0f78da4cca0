// murder key add.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>

#include "cli/commands/key/key.h"
#include "cli/commands/key/signer_options.h"
#include "cli/signing/signature_check.h"
#include "cli/signing/signer_json.h"
#include "cli/ui/path_word.h"
#include "engine/archive/file.h"
#include "engine/base/fd.h"
#include "engine/base/own_file.h"
#include "engine/base/printable.h"
#include "engine/base/small_file.h"
#include "engine/host/trusted_file.h"
#include "engine/trust/bounds.h"

namespace murder::cli {
namespace {

constexpr Duration signers_lock_wait_max = std::chrono::seconds(10);
constexpr size_t public_key_bytes_max = 16 * 1024;

struct AddSignerOptions {
  std::string name;
  std::string key_file;
  std::string allowed_signers;
  std::string namespaces = std::string(trust::release_namespace);
  std::string valid_after;
  std::string valid_before;
  bool is_authority = false;
};

std::string directory_of_list(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

// "ssh-ed25519 AAAA... comment", as it stands in a file of a public key.
Result<std::string> read_public_line(const std::string& path) {
  const Result<std::string> text = archive::read_whole_file(path, public_key_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  if (text->find("PRIVATE KEY") != std::string::npos) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{0} is a private key, which nobody else should have: add {0}.pub", path));
  }
  std::string line = text->substr(0, text->find_first_of("\r\n"));
  if (text->find_first_not_of("\r\n", line.size()) != std::string::npos) {
    return fail(ErrorCode::invalid_input,
                path + " has more than one line: it is not a file of one public key");
  }
  return line;
}

// The line of the list. Whoever reads it again finds what was meant.
Result<std::string> signer_line_of(const AddSignerOptions& options,
                                   const std::string& public_line) {
  const auto is_unfit = [](std::string_view text) {
    return text.empty() || text.find_first_of(" \t\r\n\"\\#") != std::string_view::npos;
  };
  if (is_unfit(options.name) || is_unfit(options.namespaces)) {
    return fail(ErrorCode::invalid_input,
                "a name, or a namespace, has no blanks, quotes, backslashes and no #");
  }
  std::string line = fmt::format("{} {}namespaces=\"{}\"", options.name,
                                 options.is_authority ? "cert-authority," : "", options.namespaces);
  for (const auto& [name, value] : {std::pair("valid-after", &options.valid_after),
                                    std::pair("valid-before", &options.valid_before)}) {
    if (!value->empty()) {
      line += fmt::format(",{}=\"{}\"", name, *value);
    }
  }
  line += fmt::format(" {}\n", public_line);
  const Result<trust::AllowedSigners> read =
      trust::parse_allowed_signers(line, host::seconds_of_local);
  if (!read) {
    return fail(read.error());
  }
  if (!read->faults.empty()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} cannot be added: {}", printable_value(options.key_file),
                            read->faults.front().text));
  }
  return line;
}

// The same key twice would hide that one of its lines was removed.
Status check_is_new(const trust::AllowedSigners& allowed, const trust::AllowedSigner& added,
                    const std::string& path) {
  for (const trust::AllowedSigner& signer : allowed.signers) {
    if (signer.key == added.key && signer.is_authority == added.is_authority) {
      return fail(ErrorCode::exists,
                  fmt::format("line {} of {} has this key already, as {}", signer.line, path,
                              printable_value(signer.principals)));
    }
  }
  return {};
}

// What could not be read again is not written.
Status check_fits(const std::string& text) {
  const Result<trust::AllowedSigners> read =
      trust::parse_allowed_signers(text, host::seconds_of_local);
  return read ? Status() : fail(read.error());
}

struct OpenedList {
  Fd directory;  // locked
  std::string text;
  trust::AllowedSigners allowed;
  bool is_new = true;
};

// Locks the directory, so that of two that add at once none is lost.
Result<OpenedList> open_list(const std::string& path) {
  const std::string directory = directory_of_list(path);
  if (Status made = archive::make_directories(directory, true); !made) {
    return fail(made.error());
  }
  OpenedList list{.directory = Fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC))};
  if (!list.directory.is_open()) {
    return fail_errno(errno, "cannot open " + directory);
  }
  if (Status locked = lock_within(list.directory.get(), directory, signers_lock_wait_max);
      !locked) {
    return fail(locked.error());
  }
  Result<std::optional<trust::AllowedSigners>> loaded = host::load_allowed_signers(path);
  if (!loaded) {
    return fail(loaded.error());
  }
  if (!*loaded) {
    const std::string place = whole_path(path).string();
    const Status own = host::check_way_to(place);
    return own ? Result<OpenedList>(std::move(list)) : fail(own.error());
  }
  Result<std::string> text = read_small_file(path, limits::allowed_signers_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  list.text = std::move(*text);
  list.allowed = std::move(**loaded);
  list.is_new = false;
  return list;
}

Result<int> run_add_signer(const AddSignerOptions& options, CommandContext& context) {
  const std::string& path = options.allowed_signers;
  const Result<std::string> public_line = read_public_line(options.key_file);
  if (!public_line) {
    return fail(public_line.error());
  }
  const Result<std::string> line = signer_line_of(options, *public_line);
  if (!line) {
    return fail(line.error());
  }
  const trust::AllowedSigners added = *trust::parse_allowed_signers(*line, host::seconds_of_local);
  Result<OpenedList> list = open_list(path);
  if (!list) {
    return fail(list.error());
  }
  if (Status is_new = check_is_new(list->allowed, added.signers.front(), path); !is_new) {
    return fail(is_new.error());
  }
  std::string text = list->text;
  if (!text.empty() && text.back() != '\n') {
    text += '\n';
  }
  text += *line;
  if (Status fits = check_fits(text); !fits) {
    return fail(fits.error());
  }
  if (Status written = write_small_file(path, text, {.mode = 0644, .ignores_umask = true});
      !written) {
    return fail(written.error());
  }
  const trust::AllowedSigner& signer = added.signers.front();
  context.print(fmt::format("{} may sign as {}: {} {}",
                            options.is_authority ? "whoever this key certifies" : "this key",
                            printable_value(options.name), trust::name_of(signer.key.type),
                            trust::fingerprint_of(signer.key)));
  if (list->is_new) {
    context.note(fmt::format(
        "{} is new: a host with this list refuses releases that nobody of it signed", path));
  }
  context.print_json({{"path", path},
                      {"names", options.name},
                      {"key_type", trust::name_of(signer.key.type)},
                      {"fingerprint", trust::fingerprint_of(signer.key)},
                      {"authority", options.is_authority},
                      {"is_new", list->is_new}});
  return exit_done;
}

}  // namespace

void add_add_signer_task(ArgumentParser key, CommandContext& context) {
  auto [command, options] = add_command<AddSignerOptions>(
      key, context,
      {.name = "add",
       .description =
           "Trust a key: add it to the list of those who may sign releases for this host",
       .details =
           "The line is added to the end of the list, which is readable by everybody and on the "
           "disk when this returns. A list that is there stays as it is otherwise, comments and "
           "all. Compare the fingerprint with what the owner of the key says.\n\n"
           "With the first key the host begins to refuse what is not signed. To revoke a key, "
           "remove its line, or give it the option `valid-before`. To change a key, add the new "
           "one, sign with it, and then remove the old one.",
       .example = "murder key add ann@example.net ann.pub\n"
                  "murder key add '*@example.net' ca.pub --cert-authority",
       .files = {allowed_signers_file},
       .see_also = {"murder-key-list(1)", "murder-key-test(1)", "ssh-keygen(1)"}},
      run_add_signer);
  command
      .add_option("NAME", options.name,
                  "Who has the key, such as ann@example.net; of an authority a pattern of those\n"
                  "whom it may certify, such as *@example.net")
      .required();
  command.add_option("KEY", options.key_file, "The file of the public key: id_ed25519.pub")
      .required()
      .completes(ValueKind::path);
  add_allowed_signers_option(command, options.allowed_signers);
  command.add_flag("--cert-authority", options.is_authority,
                   "Trust the ssh certificates that this key signs, not the key itself");
  command
      .add_option("--namespaces", options.namespaces,
                  "What it may sign, as patterns between commas (default: murder-release)")
      .type_name("LIST");
  command
      .add_option("--valid-after", options.valid_after,
                  "It counts from this time on: 20261231, or 202612312359Z (Z: in UTC)")
      .type_name("TIME");
  command.add_option("--valid-before", options.valid_before, "It counts until this time")
      .type_name("TIME");
}

}  // namespace murder::cli
