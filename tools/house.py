"""Does the source keep the house limits? Each rule is one function from a module to violations."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "aiops_agent"
# Lines: above the first number a `# limit: why` is asked for, above the second nothing helps.
FILE, CLASS, FUNCTION = (300, 400), (200, 250), (40, 50)
MAX_POSITIONAL = 5  # more want a value object, or names at the call
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "base", "misc"}
ENVIRONMENT_READER = "settings/load.py"
LAZY_DOOR = "interfaces/cli/door.py"
ROOMS_BEHIND = (
    *("bootstrap", "evaluation", "interfaces.http", "settings"),
    *("adapters.models", "domain.redact"),
)
BEHIND_THE_DOOR = tuple(f"{PACKAGE}.{room}." for room in ROOMS_BEHIND)
# The only files where everything may be caught, each such line with `# border: why`. A new border
# is a decision: say in its line who is told.
BORDERS = {
    "interfaces/cli/main.py",
    "workflow/loops.py",  # counted, logged, shown by /metrics, and told to people
    "workflow/notices.py",
    "workflow/execution.py",  # its defect settles what is armed: nobody else would
    "workflow/around.py",  # a topology that breaks degrades only itself
    "workflow/resolve.py",
    "settings/plugins.py",  # foreign packages
    "bootstrap/application.py",  # one channel that cannot be opened silences no other
    "bootstrap/environments.py",  # one vendor's defect degrades only itself
}
SILENCED = re.compile(r"#\s*(type:\s*ignore|noqa)(.*)")
LIMIT = re.compile(r"#\s*limit: \w")
LOCKS = re.compile(r"^(threading|asyncio|fcntl)\.(Lock|RLock|Semaphore|Condition|flock)$")
EXPLAINED = re.compile(r"^(\[[\w-]+(,\s*[\w-]+)*\]|:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)\s*(#|--)\s*\w.*")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Violation:
    """One broken rule, where it is broken and what to do."""

    where: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: {self.message}"


@dataclass(frozen=True)
class Module:
    """A source file, read and parsed; `path` is relative to the package's folder."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The dotted name; a package's is its folder's."""
        parts = [PACKAGE, *self.path.removesuffix(".py").split("/")]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def broken(self, node: ast.AST | int, rule: str, message: str) -> Violation:
        """Say that `rule` is broken at a node or a line."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return Violation(f"{self.path}:{line}", rule, message)


def read(package: Path) -> list[Module]:
    """Read every module below the package's folder, in the order of their paths."""
    files = sorted(package.rglob("*.py"))
    texts = [(file.relative_to(package).as_posix(), file.read_text("utf-8")) for file in files]
    return [Module(path, text, ast.parse(text, path)) for path, text in texts]


def size(module: Module) -> Iterator[Violation]:
    """A file, a class and a function have a largest size, and a smaller one that asks why."""
    lines = module.text.splitlines()
    at_the_margin = [line for line in lines if line.startswith("#")]
    if message := _too_long(f"{len(lines)} lines in a file", len(lines), FILE, at_the_margin):
        yield module.broken(len(lines), "size", message)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | Function):
            limits = CLASS if isinstance(node, ast.ClassDef) else FUNCTION
            said = f"{node.name} has {_lines(node)} lines"
            header = lines[node.lineno - 1 : max(node.lineno, node.body[0].lineno - 1)]
            if message := _too_long(said, _lines(node), limits, header):
                yield module.broken(node, "size", message)


def parameters(module: Module) -> Iterator[Violation]:
    """More than five positional parameters want a value object, or names at the call."""
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            given = [a for a in node.args.posonlyargs + node.args.args if a.arg not in _SELF]
            if len(given) > MAX_POSITIONAL:
                message = f"{node.name} takes {len(given)} positional; at most {MAX_POSITIONAL}"
                yield module.broken(node, "parameters", message)


def lazy_imports(module: Module) -> Iterator[Violation]:
    """Own modules are imported on top, except what is heavy behind the one lazy door."""
    for function in (n for n in ast.walk(module.tree) if isinstance(n, Function)):
        for node in ast.walk(function):
            for target in _own_targets(node, module):
                behind = f"{target}.".startswith(BEHIND_THE_DOOR)
                if not (module.path == LAZY_DOOR and behind):
                    message = f"{function.name} imports {target}; import it on top"
                    yield module.broken(node, "lazy-import", message)


def broad_excepts(module: Module) -> Iterator[Violation]:
    """Everything may be caught only at a named border, with the reason on the line."""
    lines = module.text.splitlines()
    for node in ast.walk(module.tree):
        if not _catches_all(node):
            continue
        if module.path not in BORDERS:
            yield module.broken(node, "broad-except", "catch what you can handle")
        elif not re.search(r"#.*border: \w+", lines[node.lineno - 1]):  # type: ignore[attr-defined]  # has a line
            yield module.broken(node, "broad-except", "say why with `# border: reason`")


def reasons(module: Module) -> Iterator[Violation]:
    """What is held, and an error that is dropped, say why in a comment."""
    lines = module.text.splitlines()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ExceptHandler) and _drops(node):
            said, message = lines[node.lineno - 1 : node.end_lineno], "an error is dropped; say why"
        elif isinstance(node, ast.Call) and LOCKS.search(ast.unparse(node.func)):
            said, message = lines[max(node.lineno - 2, 0) : node.end_lineno], "say what is guarded"
        else:
            continue
        if not any(re.search(r"# *\w", line) for line in said):
            yield module.broken(node, "reason", message)


def numbers(module: Module) -> Iterator[Violation]:
    """A number that a module names says in a comment, or in words below it, why it is that one."""
    lines, body = module.text.splitlines(), module.tree.body
    for node, below in zip(body, [*body[1:], ast.Pass()], strict=True):
        if not (isinstance(node, ast.Assign | ast.AnnAssign) and _is_number(node.value)):
            continue
        said = lines[node.lineno - 1 : node.end_lineno]
        said += [line for line in lines[node.lineno - 2 : node.lineno - 1] if line.startswith("#")]
        if not re.match(r"[A-Z_, ()]+ *[:=]", said[0]):
            continue  # no constant
        words = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if not words and not any(re.search(r"# *\w", line) for line in said):
            yield module.broken(node, "number", f"{ast.unparse(node)}: say why in a comment")


def environment(module: Module) -> Iterator[Violation]:
    """The process environment has one reader: settings/load.py."""
    if module.path == ENVIRONMENT_READER:
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom):
            found = node.module == "os" and bool(_ENVIRONMENT & {a.name for a in node.names})
        else:
            found = isinstance(node, ast.Attribute) and ast.unparse(node) in _THROUGH_OS
        if found:
            yield module.broken(node, "environment", f"only {ENVIRONMENT_READER} reads it")


def clock(module: Module) -> Iterator[Violation]:
    """Inside, time is an argument; only the outermost rooms look at a clock."""
    if module.path.startswith(("bootstrap/", "interfaces/", "adapters/")):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_CLOCKS):
            yield module.broken(node, "clock", "take the time as an argument")


def prints(module: Module) -> Iterator[Violation]:
    """Only interfaces talk to a terminal."""
    if module.path.startswith("interfaces/"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            yield module.broken(node, "print", "only interfaces print; return it or log it")


def names(module: Module) -> Iterator[Violation]:
    """A name like `utils` says that nobody decided."""
    if bad := NO_NAMES & set(module.name.split(".")):
        yield module.broken(1, "name", f"{bad.pop()!r} says nothing; name the room")


def captions(module: Module) -> Iterator[Violation]:
    """A module opens with its caption; a package's __init__ holds nothing else."""
    if ast.get_docstring(module.tree) is None:
        yield module.broken(1, "caption", "the module has no docstring")
    if module.path.endswith("/__init__.py") and len(module.tree.body) > 1:
        yield module.broken(
            module.tree.body[1], "caption", "__init__ holds the room's caption only"
        )


def silenced(module: Module) -> Iterator[Violation]:
    """A checker is silenced with a code and a reason, or not at all."""
    for number, line in enumerate(module.text.splitlines(), 1):
        found = SILENCED.search(line)
        if found and not EXPLAINED.match(found[2].strip()):
            message = f"`{found[1]}` needs a code and a reason"
            yield module.broken(number, "silenced", message)


RULES: tuple[Callable[[Module], Iterator[Violation]], ...] = (
    size,
    parameters,
    lazy_imports,
    broad_excepts,
    reasons,
    numbers,
    environment,
    clock,
    prints,
    names,
    captions,
    silenced,
)


def cycles(modules: list[Module]) -> list[Violation]:
    """No module imports itself through others when it is loaded."""
    known = {module.name for module in modules}
    edges = {m.name: sorted(_imports_at_load(m, known)) for m in modules}
    by_name = {module.name: module for module in modules}
    found: dict[frozenset[str], Violation] = {}
    for name in edges:
        if (ring := _way_back(name, edges)) and frozenset(ring) not in found:
            text = " -> ".join([*ring, name])
            found[frozenset(ring)] = by_name[name].broken(1, "cycle", text)
    return list(found.values())


def one_class_name(modules: list[Module]) -> list[Violation]:
    """A class name stands once in the package: a name means one thing."""
    found: dict[str, list[tuple[Module, ast.ClassDef]]] = {}
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append((module, node))
    return [
        module.broken(node, "class-name", f"{name} is also a class in {places[0][0].path}")
        for name, places in found.items()
        for module, node in places[1:]
    ]


def check(package: Path) -> list[Violation]:
    """Return every violation of the house limits below the package's folder."""
    modules = read(package)
    broken = [violation for module in modules for rule in RULES for violation in rule(module)]
    return [*dict.fromkeys(broken), *(v for whole in WHOLE for v in whole(modules))]


WHOLE = (cycles, one_class_name)


def main(argv: list[str]) -> int:
    """Print the violations and the counts; 1 when there is a violation."""
    package = Path(argv[1] if len(argv) > 1 else "src") / PACKAGE
    broken, modules = check(package), read(package)
    for violation in broken:
        print(f"{package}/{violation}")
    functions = [n for m in modules for n in ast.walk(m.tree) if isinstance(n, Function)]
    print(
        f"house: {len(modules)} modules, {sum(len(m.text.splitlines()) for m in modules)} lines, "
        f"longest file {max((len(m.text.splitlines()) for m in modules), default=0)}, "
        f"longest function {max((_lines(f) for f in functions), default=0)}, "
        f"{len(RULES) + len(WHOLE)} rules, {len(broken)} violations"
    )
    return 1 if broken or not modules else 0


_SELF = {"self", "cls", "mcs"}
_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
_THROUGH_OS = {f"os.{name}" for name in _ENVIRONMENT}
_CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")
_ALL = {"Exception", "BaseException"}


def _lines(node: ast.ClassDef | Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _too_long(said: str, lines: int, limits: tuple[int, int], where: list[str]) -> str:
    asks, most = limits
    if lines > most:
        return f"{said}; at most {most}"
    if lines > asks and not any(map(LIMIT.search, where)):
        return f"{said}; above {asks} say why with `# limit: why`"
    return ""


def _is_number(node: ast.expr | None) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, int | float) and not isinstance(node.value, bool)
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    if isinstance(node, ast.BinOp):
        return _is_number(node.left) and _is_number(node.right)
    if isinstance(node, ast.Tuple):
        return bool(node.elts) and all(map(_is_number, node.elts))
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "timedelta"


def _drops(node: ast.ExceptHandler) -> bool:
    return all(isinstance(one, ast.Pass | ast.Continue) for one in node.body)


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or bool(_ALL & {n.id for n in _names_in(node.type)})
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("suppress"):
        return bool(_ALL & {n.id for arg in node.args for n in _names_in(arg)})
    return False


def _names_in(node: ast.AST) -> list[ast.Name]:
    return [n for n in ast.walk(node) if isinstance(n, ast.Name)]


def _own_targets(node: ast.AST, module: Module) -> list[str]:
    """The dotted names of this package that an import statement may mean."""
    if isinstance(node, ast.Import):
        targets = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        above = _absolute(node, module)
        targets = [f"{above}.{alias.name}" for alias in node.names]
    else:
        return []
    return [t for t in targets if t == PACKAGE or t.startswith(f"{PACKAGE}.")]


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    is_package = module.path.endswith("__init__.py")
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def _imports_at_load(module: Module, known: set[str]) -> set[str]:
    targets: set[str] = set()
    for node in _statements_at_load(module.tree.body):
        for target in _own_targets(node, module):
            targets.add(target if target in known else target.rpartition(".")[0])
    return (targets & known) - {module.name}


def _statements_at_load(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if isinstance(statement, Function):
            continue
        if isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test):
            yield from _statements_at_load(statement.orelse)
            continue
        yield statement
        for part in ("body", "orelse", "finalbody"):
            yield from _statements_at_load(getattr(statement, part, []))
        for handler in getattr(statement, "handlers", []):
            yield from _statements_at_load(handler.body)


def _way_back(start: str, edges: dict[str, list[str]]) -> list[str]:
    """The modules on a shortest way from `start` back to itself, or nothing."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:  # grows while it is read: breadth first
        for target in edges[way[-1]]:
            if target == start:
                return way
            if target not in seen:
                seen.add(target)
                ways.append([*way, target])
    return []


if __name__ == "__main__":
    sys.exit(main(sys.argv))
