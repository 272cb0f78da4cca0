"""The rules of the source tree, each seen to fail, and what the parser of C++ makes of awkward code."""

import contextlib
import importlib.util
import io
import pathlib
import unittest

import class_sizes
import cpp_scopes
import pure_layers
import source_report

PLACE = pathlib.Path(__file__).resolve().parent.parent / "tidy.py"
SPEC = importlib.util.spec_from_file_location("tidy", PLACE)
tidy = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tidy)


def scopes_of(text):
    return list(cpp_scopes.scopes_of(cpp_scopes.without_comments_and_strings(text)))


def lines(count, text="  int a = 0;"):
    return "\n".join([text] * count) + "\n"


class TidyCase(unittest.TestCase):
    def faults(self, text, name="src/engine/policy/some.cc", **more):
        return tidy.faults_of({name: text, **more})

    def assert_fault(self, word, *arguments, **keywords):
        faults = self.faults(*arguments, **keywords)
        self.assertEqual(len([fault for fault in faults if word in fault]), 1, faults)

    def assert_fine(self, *arguments, **keywords):
        self.assertEqual(self.faults(*arguments, **keywords), [])


class Sizes(TidyCase):
    def test_a_file_has_at_most_500_lines_of_100_columns(self):
        self.assert_fine(lines(500, "// some"))
        self.assert_fault("501 lines", lines(501, "// some"))
        self.assert_fine("// " + 97 * "x" + "\n")
        self.assert_fault("some.cc:2: 101 columns", "\n// " + 98 * "x" + "\n")

    def test_a_function_has_at_most_70_lines(self):
        for head in ("void f(int a) {", "Host::Host(int a) : a_(a), b_{a} {", "auto Host::f() const -> int {",
                     "bool operator==(Host a, Host b) noexcept {", "Host::operator bool() const {",
                     "template <typename T>\nvoid f(T a) {", "Host::Host(int a)\n    : a_{a},\n      b_{{a, a}} {"):
            with self.subTest(head=head):
                self.assert_fine(f"{head}\n{lines(68)}}}\n")
                self.assert_fault("a function of 71 lines", f"{head}\n{lines(69)}}}\n")

    def test_what_is_no_function_may_be_longer(self):
        for head in ("namespace murder {", "class Host final : public Sink {", "enum class Kind : uint8_t {",
                     "constexpr int values[] = {", 'extern "C" {'):
            with self.subTest(head=head):
                self.assert_fine(f"{head}\n{lines(100, '')}}};\n")

    def test_braces_in_literals_and_comments_count_for_nothing(self):
        self.assert_fine("void f() {\n  a(\"{\", '{', R\"({)\");  // {\n}\n/* { */\n" + lines(80, ""))


class ClassSizes(TidyCase):
    def sources(self, first_lines, second_lines):
        declaration = f"namespace murder::sim {{\nclass Host {{\n{lines(98)}}};\n}}\n"
        definition = "namespace murder::sim {{\nvoid Host::{0}() {{\n{1}}}\n}}\n"
        return {"src/engine/sim/host.h": "#pragma once\n" + declaration,
                "src/engine/sim/host.cc": definition.format("a", lines(first_lines - 2, "")),
                "src/engine/sim/more.cc": definition.format("b", lines(second_lines - 2, ""))}

    def size_faults(self, texts):
        return [fault for fault in tidy.faults_of(texts) if "a function of" not in fault]

    def test_a_class_has_at_most_900_lines_over_all_its_files(self):
        self.assertEqual(self.size_faults(self.sources(400, 400)), [])
        faults = self.size_faults(self.sources(400, 401))
        self.assertEqual(len(faults), 1)
        self.assertIn("class murder::sim::Host: 901 lines in 3 files, at most 900", faults[0])

    def sizes(self, **texts):
        found = class_sizes.sizes_of({f"src/{name}.cc": scopes_of(text) for name, text in texts.items()})
        return {name: size.lines for name, size in found.items()}

    def test_classes_of_one_name_in_two_namespaces_are_two(self):
        self.assertEqual(self.sizes(a="namespace a {\nclass X {\n};\nvoid X::f() {\n}\n}\n",
                                    b="namespace b {\nstruct X {\n\n};\n}\nvoid b::X::f() {\n\n\n}\n"),
                         {"a::X": 4, "b::X": 7})

    def test_classes_without_a_name_for_others_are_their_files_own(self):
        text = "namespace {\nclass X {\n};\nvoid X::f() {\n}\n}\n"
        self.assertEqual(self.sizes(a=text, b=text), {"(src/a.cc)::X": 4, "(src/b.cc)::X": 4})

    def test_members_of_a_class_within_are_the_outer_ones(self):
        self.assertEqual(self.sizes(a="class X {\n  class Y;\n};\nvoid X::Y::f() {\n}\nclass X::Z {\n};\n"
                                      "void X::Z::f() {\n}\n"), {"X": 5, "X::Z": 4})

    def test_every_way_to_write_a_member_counts(self):
        for text in ("X::X(int a) : a_{a}, b_(a) {\n}", "X::~X() {\n}", "bool X::operator==(X b) const {\n}",
                     "void X::operator()(int a) {\n}", "template <typename T>\nvoid X<T>::f() {\n}",
                     "std::vector<int>\nX::f(int a,\n     int b) const {\n}"):
            with self.subTest(text=text):
                self.assertEqual(self.sizes(a="class X : public B {\n};\n" + text), {"X": 3 + text.count("\n")})

    def test_what_only_looks_like_a_member_does_not_count(self):
        for text in ("void f(Duration a = X::g(1)) {\n}", "X::Kind f() {\n}", "int a = X::f();", "void f(X& x) {\n}",
                     "void f() {\n  X::g([] {\n  });\n}"):
            with self.subTest(text=text):
                self.assertEqual(self.sizes(a="class X {\n};\n" + text), {"X": 2})

    def test_an_enum_class_is_no_class_and_a_declaration_has_no_lines(self):
        self.assertEqual(self.sizes(a="enum class E : uint8_t { a, b };\nclass X;\nstruct S {};\n"), {"S": 1})

    def test_the_line_of_a_class_is_that_of_its_head(self):
        scope = scopes_of("int a;\n\n// a comment\nclass alignas(64) X final\n    : public Y {\n public:\n};\n")[0]
        self.assertEqual((scope.kind, scope.name, scope.head_line, scope.close_line), ("class", "X", 4, 7))


class IncludeLevels(TidyCase):
    @staticmethod
    def header(*included):
        return "#pragma once\n" + "".join(f'#include "{path}"\n' for path in included)

    def test_a_circle_of_units_is_told(self):
        for layer in ("engine/host", "engine/codec", "tracker"):
            a, b, c = (f"{layer}/{name}" for name in "abc")
            texts = {f"src/{b}.h": self.header(f"{c}.h"), f"src/{c}.cc": self.header(f"{c}.h", f"{a}.h"),
                     f"src/{c}.h": self.header()}
            self.assert_fault(f"in a circle: {a} -> {b} -> {c} -> {a}", self.header(f"{b}.h"), f"src/{a}.h", **texts)
            texts[f"src/{c}.cc"] = self.header(f"{c}.h")
            self.assert_fine(self.header(f"{b}.h"), f"src/{a}.h", **texts)

    def test_at_most_9_levels_of_a_layer_stand_on_each_other(self):
        texts = {f"src/cli/ui/a{level}.h": self.header(f"cli/ui/a{level - 1}.h") for level in range(1, 9)}
        self.assert_fine(self.header(), "src/cli/ui/a0.h", **texts)
        texts["src/cli/ui/a9.cc"] = self.header("cli/ui/a8.h")
        self.assert_fault("src/cli/ui/a9: on level 10 of cli/ui, at most 9", self.header(), "src/cli/ui/a0.h", **texts)

    def test_what_another_layer_includes_is_no_level(self):
        texts = {f"src/cli/ui/a{level}.h": self.header(f"cli/ui/a{level - 1}.h") for level in range(1, 9)}
        texts["src/cli/fleet/top.h"] = self.header("cli/ui/a8.h")
        self.assert_fine(self.header(), "src/cli/ui/a0.h", **texts)


class SwarmParts(TidyCase):
    @staticmethod
    def using(part):
        return f'#pragma once\n#include "engine/swarm/{part}.h"\n'

    def test_a_part_uses_no_other_but_what_it_reads_or_owns(self):
        for name, used in (("connections.h", "greeting"), ("grant_book.cc", "granted_pieces"),
                           ("grant_choice.cc", "upload_queues"), ("sources.cc", "block_requests"),
                           ("granted_pieces_check.cc", "sources"), ("link_rates.h", "rack_shares"),
                           ("downloads_grants.cc", "grant_book")):
            with self.subTest(name=name):
                self.assert_fault("may not use part " + used, self.using(used), "src/engine/swarm/" + name)
        for name, used in (("grant_book.h", "rack_shares"), ("grant_choice.cc", "grant_book"),
                           ("downloads.h", "sources"), ("downloads_check.cc", "downloads"), ("sources.h", "context"),
                           ("swarm_uploads.cc", "upload_queues"), ("stock_choice.cc", "adoption")):
            with self.subTest(name=name):
                self.assert_fine(self.using(used), "src/engine/swarm/" + name)

    def test_no_part_knows_the_coordinator(self):
        self.assert_fault("may not use the coordinator", self.using("swarm"), "src/engine/swarm/downloads.cc")
        self.assert_fine(self.using("swarm"), "src/engine/swarm/swarm_check.cc")
        self.assert_fine(self.using("swarm_config"), "src/engine/swarm/greeting.h")


class PureLayers(TidyCase):
    USES = {
        "a clock": ["auto a = std::chrono::steady_clock::now();", "clock_gettime(CLOCK_MONOTONIC, &a);",
                    "auto a = std::time(nullptr);", "time(&now);", "#include <ctime>"],
        "randomness": ["int a = rand();", "int a = std::rand();", "std::random_device device;",
                       "getrandom(&a, sizeof(a), 0);", "#include <random>", "std::mt19937 engine(1);"],
        "system calls": ["::open(path, 0);", "int a = ::read(fd, &b, 1);", "#include <unistd.h>",
                         "#include <sys/socket.h>", "#include <netinet/tcp.h>", 'auto a = std::getenv("A");',
                         "FILE* a = std::fopen(path, mode);"],
        "files": ["#include <fstream>"],
        "threads": ["#include <thread>", "std::mutex lock;", "std::this_thread::sleep_for(a);"],
    }
    PURE = ["src/engine/policy/a.cc", "src/engine/swarm/a.h", "src/engine/codec/a.cc", "src/engine/sim/a.cc",
            "src/tracker/peer_table.cc", "src/tracker/status_page.cc", "src/cli/fleet/plan/a.cc"]

    def test_use_no_clock_no_randomness_and_no_system(self):
        for what, uses in self.USES.items():
            for text in uses:
                for name in self.PURE:
                    with self.subTest(text=text, name=name):
                        self.assert_fault(f":2: {what} in a pure layer", f"#pragma once\n{text}\n", name)

    def test_others_do(self):
        for uses in self.USES.values():
            for text in uses:
                for name in ("src/engine/io/a.cc", "src/engine/node/a.cc", "src/tracker/service_prober.cc",
                             "src/tracker/tracker_server.cc", "src/engine/base/a.cc", "tests/engine/policy/a.cc"):
                    with self.subTest(text=text, name=name):
                        self.assert_fine(text + "\n", name)

    def test_the_simulators_threads_are_in_one_place(self):
        self.assert_fine("#include <thread>\nstd::thread a;\n", "src/engine/sim/crew.cc")
        self.assert_fault("a clock", "std::chrono::steady_clock::now();\n", "src/engine/sim/crew.cc")

    def test_names_that_are_alike_are_no_use(self):
        for text in ("host.time(now);", "Duration time(Instant a);", "swarm.open(session);", "prng.rand(3);",
                     "codec::read(bytes);", "fleet->clock(now);", "Instant clock_now;", "// std::rand()",
                     'fail("time(nullptr)");', "::murder::fail(a);", "Swarm::open(session);", "my::time(nullptr);",
                     "const auto window = std::chrono::seconds(1);", "int operand(int a);", "grand(3);"):
            with self.subTest(text=text):
                self.assert_fine(text + "\n")

    def test_may_not_use_what_of_base_is_not_pure(self):
        base = {"src/engine/base/a.cc": "#include <fcntl.h>\n", "src/engine/base/a.h": "#pragma once\n",
                "src/engine/base/b.h": '#pragma once\n#include "engine/base/a.h"\n',
                "src/engine/base/address.cc": "#include <arpa/inet.h>\nint a = ::inet_pton(1, b, c);\n",
                "src/engine/base/address.h": "#pragma once\n"}
        for header, bad in (("a", True), ("b", True), ("address", False)):
            with self.subTest(header=header):
                faults = self.faults(f'#include "engine/base/{header}.h"\n', **base)
                self.assertEqual(len(faults), bad, faults)

    def test_every_pure_layer_is_there(self):
        for folder in pure_layers.PURE_FOLDERS:
            self.assertTrue((tidy.ROOT / "src" / folder).is_dir(), folder)


class OtherRules(TidyCase):
    def test_layers(self):
        self.assert_fault("engine/policy may not use engine/swarm", '#include "engine/swarm/swarm.h"\n')
        self.assert_fault("include by a full path", '#include "swarm.h"\n')
        self.assert_fault("in no layer", "int a;\n", "src/engine/elsewhere/a.cc")
        self.assert_fault("may use the tracker's core only", '#include "tracker/service.h"\n', "src/engine/sim/a.cc")

    def test_words(self):
        for text, word in (("std::shared_ptr<int> a;", "shared_ptr"), ("throw a;", "exceptions"),
                           ("printf(a);", "print through"), ("co_await a;", "coroutines")):
            with self.subTest(text=text):
                self.assert_fault(word, text + "\n")
        self.assert_fault("no #pragma once", "int a;\n", "src/engine/policy/a.h")
        self.assert_fault("a path of one machine", "see /home/somebody\n", "docs/a.md")


class Report(unittest.TestCase):
    def test_counts_code_and_checks_of_each_layer(self):
        figures = source_report.layer_figures(
            {"src/engine/policy/a.cc": "ENSURE(a);\n\nint a;\n", "src/engine/policy/b.h": "ENSURE(b);\n",
             "src/tracker/a.cc": "int a;\n"}, tidy.layer_of)
        self.assertEqual(figures, [("engine/policy", 2, 3, 2), ("tracker", 1, 1, 0)])

    def test_prints_layers_and_classes_and_fails_for_nothing(self):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            self.assertEqual(tidy.main(["--report"]), 0)
        self.assertRegex(out.getvalue(), r"(?m)^engine/swarm +\d+ +\d+ +\d+ +\d+ +60$")
        self.assertRegex(out.getvalue(), r"(?m)^ +\d+ +\d+  murder::swarm::Swarm\b")


if __name__ == "__main__":
    unittest.main()
