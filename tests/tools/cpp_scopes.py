"""What the source rules know of C++: a text without comments and literals, and the scopes that its braces make."""

import dataclasses
import re

LITERALS_AND_COMMENTS = re.compile(
    r'R"([^(\s]*)\(.*?\)\1"'  # raw string
    r"|//[^\n]*|/\*.*?\*/"
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
LABELS = re.compile(r"^(?:\s*(?:public|private|protected)\s*:(?!:))+")
NAMESPACE = re.compile(r"\bnamespace\s*([\w:]*)\s*$")
ENUM = re.compile(r"\benum\b[^()]*$")
CLASS = re.compile(r"\b(?:class|struct|union)\s+(?:alignas\s*\([^()]*\)\s*|\[\[[^\]]*\]\]\s*)*"
                   r"([A-Za-z_]\w*(?:::\w+)*)?(?:\s*<[^{};()]*>)?\s*(?:final\s*)?(?::(?!:)[^{};]*)?$")
# A function's head ends in ")" and what may follow it. Behind a ":" come members and the values they begin with.
FUNCTION_END = re.compile(r"\)\s*(const|noexcept|override|final|->[^;{}]*|:[^;{}]*\)|\s)*$")
TYPE_OR_NAMESPACE = re.compile(r"\b(namespace|struct|class|enum|union|extern)\b[^()]*$")
QUALIFIED_NAME = re.compile(r"((?:[A-Za-z_]\w*(?:<[^<>()]*>)?\s*::\s*)+)(?:~?\w+|operator\W*)\s*$")


@dataclasses.dataclass
class Scope:
    """Between a pair of braces."""
    kind: str  # namespace, class, function (control flow and lambdas too), braces (all others)
    name: str  # of a namespace or class; of a function what it is a member of by its own words; else empty
    head_line: int  # where what the braces belong to begins
    open_line: int
    parents: tuple  # the scopes around it
    close_line: int = 0
    head: str = ""

    @property
    def length(self):
        return self.close_line - self.open_line + 1


def blank_lines(text):
    return "\n" * text.count("\n")


def without_comments_and_strings(text):
    """The text with the same lines, where braces and words in comments and literals are gone."""
    def blank(match):
        token = match.group(0)
        return ("" if token.startswith("/") else '""') + blank_lines(token)

    return LITERALS_AND_COMMENTS.sub(blank, text)


def kind_and_name(head):
    if match := NAMESPACE.search(head):
        return "namespace", match.group(1)
    if ENUM.search(head):
        return "braces", ""
    if match := CLASS.search(head):
        return "class", match.group(1) or ""
    if FUNCTION_END.search(head.strip()) and not TYPE_OR_NAMESPACE.search(head):
        return "function", qualifier_of(head)
    return "braces", ""


def qualifier_of(head):
    """"Swarm" of "void Swarm::tick(Instant now)": without templates' arguments; empty when there is none."""
    before_arguments = head.split("(", 1)[0]
    match = QUALIFIED_NAME.search(before_arguments)
    return re.sub(r"<[^<>]*>|\s", "", match.group(1)).rstrip(":") if match else ""


def scopes_of(bare):
    """All scopes of a text without comments and strings, each when it ends."""
    bare = DIRECTIVE.sub(lambda match: blank_lines(match.group(0)), bare)
    open_scopes = []
    head, head_line = "", 1  # what came since the last statement, and where it began
    line, position = 1, 0
    for match in re.finditer(r"[{};]", bare):
        piece = bare[position:match.start()]
        if not head.strip() and piece.strip():
            head_line = line + blank_lines(piece[:len(piece) - len(piece.lstrip())]).count("\n")
        line += piece.count("\n")
        head += piece
        position = match.end()
        mark = match.group(0)
        if mark == "{":
            head = LABELS.sub("", head)
            kind, name = kind_and_name(head)
            open_scopes.append(Scope(kind, name, head_line, line, tuple(open_scopes), head=head))
            head = ""
        elif mark == "}" and open_scopes:
            scope = open_scopes.pop()
            scope.close_line = line
            yield scope
            # "Host::Host(int rate) : rate_{rate} {": the head goes on behind a member's braces.
            in_function = any(parent.kind == "function" for parent in scope.parents)
            continues = scope.kind == "braces" and not in_function
            head, head_line = (scope.head + "()", scope.head_line) if continues else ("", line)
        else:
            head = ""
