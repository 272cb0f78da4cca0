#include "cli/commands/manual/write_manual.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "cli/commands/command_description.h"
#include "cli/commands/manual/manual_page.h"
#include "cli/ui/command.h"
#include "cli/ui/output.h"
#include "engine/archive/file.h"

namespace murder::cli {
namespace {

constexpr std::array<std::string_view, 4> sections = {"1", "5", "7", "8"};
constexpr uint64_t page_bytes_max = 1024 * 1024;

namespace files = std::filesystem;

Status write_page(const files::path& directory, const std::string& file_name,
                  const std::string& page) {
  const std::string section = file_name.substr(file_name.rfind('.') + 1);
  const std::string path = (directory / ("man" + section) / file_name).string();
  Result<Fd> file = archive::open_file(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (!file) {
    return fail(file.error());
  }
  const auto* bytes = reinterpret_cast<const uint8_t*>(page.data());
  if (Status written = archive::write_all(file->get(), {bytes, page.size()}, path); !written) {
    return written;
  }
  return archive::close_file(std::move(*file), path);
}

// Empty directories for the sections, without pages of commands that are gone.
Status prepare(const files::path& directory) {
  std::error_code error;
  for (const std::string_view section : sections) {
    const files::path place = directory / fmt::format("man{}", section);
    files::create_directories(place, error);
    if (error) {
      return fail_errno(error.value(), "cannot make the directory " + place.string());
    }
    for (const files::directory_entry& entry : files::directory_iterator(place, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("murder") && name.ends_with(fmt::format(".{}", section))) {
        files::remove(entry.path(), error);
      }
    }
  }
  return {};
}

Status write_commands(const CommandDescription& program, const files::path& directory,
                      const ManualEdition& edition) {
  for (const CommandDescription& command : program.commands) {
    const std::string page = command_page(command, edition);
    if (Status written = write_page(directory, command.page_name() + ".1", page); !written) {
      return written;
    }
    if (!command.commands.empty()) {
      if (Status written = write_commands(command, directory, edition); !written) {
        return written;
      }
    }
  }
  return {};
}

Status write_manual(const std::vector<std::string>& words, std::string_view version) {
  if (words.size() < 2) {
    return fail(ErrorCode::invalid_input, "usage: murder __manual ISO-DATE DIR [PAGE...]");
  }
  const Result<std::string> date = manual_date(words[0]);
  if (!date) {
    return fail(date.error());
  }
  const ManualEdition edition{.version = std::string(version), .date = *date};
  const files::path directory = words[1];
  if (Status prepared = prepare(directory); !prepared) {
    return prepared;
  }
  const CommandDescription program = describe_program();
  if (Status written = write_commands(program, directory, edition); !written) {
    return written;
  }
  for (size_t index = 2; index < words.size(); ++index) {
    const Result<std::string> page = archive::read_whole_file(words[index], page_bytes_max);
    if (!page) {
      return fail(page.error());
    }
    const Result<std::string> filled = filled_page(*page, program, edition);
    if (!filled) {
      return fail(filled.error().code, words[index] + ": " + filled.error().text);
    }
    const std::string name = files::path(words[index]).filename().string();
    if (Status written = write_page(directory, name, *filled); !written) {
      return written;
    }
  }
  // The build looks at the time of the directory.
  std::error_code error;
  files::last_write_time(directory, files::file_time_type::clock::now(), error);
  return {};
}

}  // namespace

int run_write_manual(const std::vector<std::string>& words, std::string_view version) {
  const Status written = write_manual(words, version.substr(0, version.find(' ')));
  if (!written) {
    print_message(fmt::format("murder __manual: {}\n", written.error().text));
    return exit_failed;
  }
  return exit_done;
}

}  // namespace murder::cli
