"""How long classes are, over all the files they are written in: their declaration and their member functions."""

import dataclasses

CLASS_LINES_MAX = 900


@dataclasses.dataclass
class ClassSize:
    name: str  # with its namespaces; "(src/a/b.cc)" for one without a name
    lines: int = 0
    files: set = dataclasses.field(default_factory=set)

    def add(self, name, scope):
        self.lines += scope.close_line - scope.head_line + 1
        self.files.add(name)


def path_of(scopes, name):
    """The names of scopes, outermost first."""
    parts = []
    for scope in scopes:
        if scope.kind == "namespace":
            parts += scope.name.split("::") if scope.name else [f"({name})"]
        elif scope.kind == "class":
            parts.append(scope.name)
    return parts


def sizes_of(scopes_by_file):
    """ClassSize of each class that is in no other, by its name, from the scopes of each file."""
    sizes = {}
    for name, scopes in scopes_by_file.items():
        for scope in scopes:
            if scope.kind == "class" and scope.name and all(parent.kind == "namespace" for parent in scope.parents):
                full = "::".join(path_of(scope.parents, name) + scope.name.split("::"))
                sizes.setdefault(full, ClassSize(full)).add(name, scope)
    for name, scopes in scopes_by_file.items():
        for scope in scopes:
            if scope.kind == "function" and scope.name and all(parent.kind == "namespace" for parent in scope.parents):
                owner = owner_of(path_of(scope.parents, name), scope.name.split("::"), sizes)
                if owner is not None:
                    owner.add(name, scope)
    return sizes


def owner_of(namespaces, qualifier, sizes):
    """The class of a member function that is written as `qualifier`::f in these namespaces. Members of a class
    within a class are the outer one's. None: it is a function of a namespace, or of a class that is not ours."""
    for depth in range(len(namespaces), -1, -1):
        for length in range(len(qualifier), 0, -1):
            owner = sizes.get("::".join(namespaces[:depth] + qualifier[:length]))
            if owner is not None:
                return owner
    return None


def check_class_sizes(sizes, faults):
    for size in sorted(sizes.values(), key=lambda size: -size.lines):
        if size.lines > CLASS_LINES_MAX:
            faults.append(f"class {size.name}: {size.lines} lines in {len(size.files)} files, at most "
                          f"{CLASS_LINES_MAX}: take a part out of it that owns what it works on")
