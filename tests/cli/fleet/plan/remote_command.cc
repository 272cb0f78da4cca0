#include "cli/fleet/plan/remote_command.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../../content.h"
#include "cli/fleet/plan/shell_words.h"

using namespace murder::fleet;
namespace fs = std::filesystem;

namespace {

struct Ran {
  int exit_code = -1;
  std::string output;  // both streams
};

// As the shell of a remote user would read it; dash where there is one.
Ran run(const std::string& command, const std::string& input_path = "/dev/null") {
  const std::string shell = fs::exists("/bin/dash") ? "/bin/dash" : "/bin/sh";
  const std::string line =
      shell + " -c " + quote_word(command) + " <" + quote_word(input_path) + " 2>&1";
  Ran ran;
  FILE* pipe = popen(line.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part{};
  while (const size_t size = fread(part.data(), 1, part.size(), pipe)) {
    ran.output.append(part.data(), size);
  }
  ran.exit_code = WEXITSTATUS(pclose(pipe));
  return ran;
}

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = "/tmp/remote command-XXXXXX";  // with a blank in it
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() { fs::remove_all(path_); }
  [[nodiscard]] std::string path(const std::string& name = "") const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  std::string write(const std::string& name, const std::string& content) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  std::string path_;
};

std::string sha1_of(const std::string& path) {
  return run("sha1sum <" + quote_word(path)).output.substr(0, 40);
}

size_t entries_in(const std::string& directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

// What passes for the program: it can say its version.
constexpr const char* program = "#!/bin/sh\n[ \"$1\" = --version ] && echo murder 9\n";

}  // namespace

TEST_CASE("words of a command arrive byte by byte, whatever they hold") {
  const std::string nasty = "a b'c\"d$HOME`id`\\;|&*?~#!\t(x)";
  const std::string command = CommandLine::script("printf '<%s>' \"$@\"")
                                  .word(nasty)
                                  .word("")
                                  .option("--tag", "-v")
                                  .flag("--no", false)
                                  .flag("--yes")
                                  .text();
  CHECK(run(command).output == "<" + nasty + "><><--tag=-v><--yes>");
}

TEST_CASE("a path keeps its blanks, and only ~ in front means the home there") {
  setenv("HOME", "/home of x", 1);
  const auto path_there = [](const std::string& path) {
    return run(CommandLine::script("printf %s \"$1\"").path(path).text()).output;
  };
  CHECK(path_there("~") == "/home of x");
  CHECK(path_there("~/files 1") == "/home of x/files 1");
  CHECK(path_there("~/") == "/home of x/");
  CHECK(path_there("/srv/~/a b") == "/srv/~/a b");
  CHECK(path_there("~other/x") == "~other/x");
  CHECK(path_there("-rf") == "./-rf");
}

TEST_CASE("the program is called by its path") {
  CHECK(CommandLine::murder("/opt/murder", "status").text() == "/opt/murder/murder status");
  CHECK(CommandLine::murder("/opt/my murder/", "stop").text() == "'/opt/my murder/murder' stop");
  CHECK(CommandLine::murder("~/murder", "stop").text() == "\"$HOME\"/murder/murder stop");
}

TEST_CASE("the program is installed once and then known as the same") {
  const TemporaryDirectory host;
  const std::string source = host.write("source", program);
  const std::string sum = sha1_of(source);
  const std::string place = host.path("opt/my murder");
  CHECK(run(compare_program_command(place, sum)).output == "other\n");
  const Ran installed = run(install_program_command(place, sum), source);
  CHECK(installed.output == "installed\n");
  CHECK(installed.exit_code == 0);
  CHECK(run(compare_program_command(place, sum)).output == "same\n");
  CHECK(run(compare_program_command(place, std::string(40, '0'))).output == "other\n");
  CHECK(run(place + "/murder --version").exit_code != 0);  // the blank needs quotes
  CHECK(run(quote_word(place + "/murder") + " --version").output == "murder 9\n");
  CHECK(run(install_program_command(place, sum), source).exit_code == 0);
  CHECK(entries_in(place) == 2);  // and the sum of it
}

TEST_CASE("whatever the umask, every user of the host may run the program") {
  const TemporaryDirectory host;
  const std::string source = host.write("source", program);
  const std::string command = install_program_command(host.path("opt/murder"), sha1_of(source));
  REQUIRE(run("umask 077; " + command, source).exit_code == 0);
  for (const char* name : {"opt", "opt/murder", "opt/murder/murder"}) {
    CHECK((fs::status(host.path(name)).permissions() & fs::perms::others_exec) != fs::perms::none);
  }
}

TEST_CASE("a program is read once, and again when anything of it has changed") {
  const TemporaryDirectory host;
  const std::string source = host.write("source", program);
  const std::string sum = sha1_of(source);
  const std::string place = host.path("opt");
  // A sha1sum that counts.
  host.write("bin/sha1sum", "#!/bin/sh\necho >>\"${0%/*}/count\"; exec /usr/bin/sha1sum \"$@\"\n");
  chmod(host.path("bin/sha1sum").c_str(), 0755);
  const std::string path = "PATH=" + quote_word(host.path("bin")) + ":$PATH; export PATH; ";
  const auto compare = [&] { return run(path + compare_program_command(place, sum)).output; };
  const auto times_read = [&] {
    return fs::exists(host.path("bin/count")) ? fs::file_size(host.path("bin/count")) : 0;
  };
  REQUIRE(run(install_program_command(place, sum), source).exit_code == 0);
  CHECK(compare() == "same\n");
  CHECK(compare() == "same\n");
  CHECK(times_read() == 1);
  // The same size, and the time of before.
  const auto time = fs::last_write_time(place + "/murder");
  std::string other = murder::read_file(place + "/murder");
  other.back() = 'x';
  std::ofstream(place + "/murder", std::ios::binary) << other;
  fs::last_write_time(place + "/murder", time);
  CHECK(compare() == "other\n");
  CHECK(times_read() == 2);
  std::ofstream(place + "/.murder-sum") << sum + " 1 2 3 4\n";
  CHECK(compare() == "other\n");
  REQUIRE(run(install_program_command(place, sum), source).exit_code == 0);
  CHECK(compare() == "same\n");
}

TEST_CASE("a directory that holds something else is refused and keeps it") {
  const TemporaryDirectory host;
  const std::string source = host.write("source", program);
  for (const std::string name : {"database", ".hidden", "murder/file", "..x"}) {
    CAPTURE(name);
    const std::string place = host.path("opt-" + std::to_string(name.size()));
    host.write(place.substr(host.path().size() + 1) + "/" + name, "precious");
    const Ran refused = run(install_program_command(place, sha1_of(source)), source);
    CHECK(refused.exit_code == 1);
    CHECK(refused.output.find("not murder's") != std::string::npos);
    CHECK(refused.output.find(place) != std::string::npos);
    CHECK(murder::read_file(place + "/" + name) == "precious");
    CHECK(entries_in(place) == 1);
  }
  const std::string file = host.write("a-file", "precious");
  CHECK(run(install_program_command(file, sha1_of(source)), source).exit_code == 1);
  CHECK(murder::read_file(file) == "precious");
}

TEST_CASE("what is damaged on the way, or does not run there, gets no name and leaves nothing") {
  const TemporaryDirectory host;
  const std::string place = host.path("murder");
  const std::string source = host.write("source", program);
  const Ran damaged = run(install_program_command(place, std::string(40, '0')), source);
  CHECK(damaged.exit_code == 1);
  CHECK(damaged.output.find("not the program that was sent") != std::string::npos);
  CHECK(entries_in(place) == 0);
  for (const auto& [script, why] :
       {std::pair("#!/bin/sh\nexit 3\n", ")\n"),
        std::pair("#!/bin/sh\necho murder: libc.so.6: too old >&2; exit 3\n", "): too old\n"),
        std::pair("#!/no/such/shell\n", "\n")}) {
    const std::string broken = host.write("broken", script);
    const Ran useless = run(install_program_command(place, sha1_of(broken)), broken);
    CHECK(useless.exit_code == 1);
    CHECK(useless.output.find("does not run on this host (") != std::string::npos);
    CHECK_MESSAGE(useless.output.ends_with(why), useless.output);
    CHECK(entries_in(place) == 0);
  }
}

TEST_CASE("an archive is received by murder, and the next command gets the torrent") {
  const TemporaryDirectory host;
  host.write("bin dir/murder",
             "#!/bin/sh\nprintf '<%s>' \"$@\" >>\"${0%/*}/log\"; cat >>\"${0%/*}/log\"; "
             "echo told; test \"$1\" != receive || test ! -e \"${0%/*}/full\"\n");
  chmod(host.path("bin dir/murder").c_str(), 0755);
  const std::string source = host.write("source", "the archive");
  const std::string programs = host.path("bin dir");
  const std::string seed = CommandLine::murder(programs, "seed").word("-").text();
  const ReceiveAndRun what{.remote_murder_path = programs,
                           .directory = "/tmp/a place",
                           .name = "v 1.tar.zst",
                           .size_bytes = 11,
                           .before = {},
                           .input_base64 = "dGhlIHRvcnJlbnQ=",
                           .command = seed};
  const Ran both = run(receive_and_run_command(what), source);
  CHECK(both.exit_code == 0);
  CHECK(both.output == "told\n");  // only what the last one says
  CHECK(murder::read_file(host.path("bin dir/log")) ==
        "<receive></tmp/a place/v 1.tar.zst><--size><11><--quiet>the archive<seed><->the torrent");
  // What the next one reads may be behind the archive: then nothing of it is in the command.
  fs::remove(host.path("bin dir/log"));
  ReceiveAndRun behind = what;
  behind.input_base64 = {};
  behind.input_follows = true;
  const std::string line = receive_and_run_command(behind);
  CHECK(line.find("base64") == std::string::npos);
  CHECK(run(line, source).exit_code == 0);
  CHECK(murder::read_file(host.path("bin dir/log"))
            .starts_with("<receive></tmp/a place/v 1.tar.zst><--size><11><--more-follows>"));
  // What did not arrive is not served.
  fs::remove(host.path("bin dir/log"));
  host.write("bin dir/full", "");
  CHECK(run(receive_and_run_command(what), source).exit_code != 0);
  CHECK(murder::read_file(host.path("bin dir/log")).find("seed") == std::string::npos);
}

TEST_CASE("a value that looks like an option, or is none, stands behind an equals sign") {
  const TemporaryDirectory host;
  host.write("murder", "#!/bin/sh\nprintf '<%s>' \"$@\"\n");
  chmod(host.path("murder").c_str(), 0755);
  const Ran ran = run(CommandLine::murder(host.path(), "create")
                          .option("--exclude", "-dash* $HOME")
                          .option("--why", "")
                          .option("--tag", "v1")
                          .text());
  CHECK(ran.output == "<create><--exclude=-dash* $HOME><--why=><--tag><v1>");
}

TEST_CASE("the one torrent of a tag is sent, and none or two are an error that says so") {
  const TemporaryDirectory host;
  const std::string command = send_torrent_command(host.path(), "v 1");
  const Ran none = run(command);
  CHECK(none.exit_code == 1);
  CHECK(none.output.find("no torrent of v 1") != std::string::npos);
  host.write("v 1.tar.zst.torrent", "d8:announce");
  const Ran one = run(command);
  CHECK(one.exit_code == 0);
  CHECK(one.output == "v 1.tar.zst\nZDg6YW5ub3VuY2U=\n");
  host.write("v 1.torrent", "d");
  const Ran two = run(command);
  CHECK(two.exit_code == 1);
  CHECK(two.output.find("v 1.tar.zst.torrent and v 1.torrent") != std::string::npos);
}

TEST_CASE("the seeder is started with the torrent of the tag") {
  const TemporaryDirectory host;
  host.write("temp/v1.tar.gz.torrent", "d");
  host.write("bin dir/murder", "#!/bin/sh\nprintf '<%s>' \"$@\"\n");
  chmod(host.path("bin dir/murder").c_str(), 0755);
  const std::string temp = host.path("temp");
  const Ran started = run(
      seed_command(host.path("bin dir"), temp, "v1",
                   {.ip = "10.0.0.7", .rack = "r7", .label = "w 1", .peer_port = "51000-51099"}));
  CHECK(started.output == "<seed><" + temp + "/v1.tar.gz.torrent><" + temp +
                              "/v1.tar.gz><--background><--quiet><--json><--ip><10.0.0.7>"
                              "<--rack><r7><--label><w 1><--peer-port><51000-51099>");
  const Ran limited = run(seed_command(host.path("bin dir"), temp, "v1",
                                       {.ip = "",
                                        .rack = "",
                                        .label = "",
                                        .peer_port = "",
                                        .limits = {.upload = 400'000'000, .download = 1}}));
  CHECK(limited.output.ends_with("<--json><--upload-limit><400000000B><--download-limit><1B>"));
  const Ran encrypted = run(seed_command(host.path("bin dir"), temp, "v1", {.transport = "tls"}));
  CHECK(encrypted.output.ends_with("<--json><--transport><tls>"));
}
