# SPDX-License-Identifier: Apache-2.0
"""The stub says what the package has, name by name and argument by argument."""
import ast
import inspect
import pathlib

import pytest

import spotopt

STUB = ast.parse((pathlib.Path(spotopt.__file__).parent / "__init__.pyi").read_text())


def public(names):
    return {name for name in names if not name.startswith("_") or name in ("__init__", "__len__", "__getitem__")}


def defined(body):
    found = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
        elif isinstance(node, ast.Assign):
            found[node.targets[0].id] = node
    return found


CLASSES = [node for node in STUB.body if isinstance(node, ast.ClassDef)]
INHERITED = {"thisown", "this", "__init__", "status"}


def test_the_package_has_the_names_of_its_stub():
    submodules = {"calls", "core", "errors", "rows", "use"}
    assert public(defined(STUB.body)) == public(vars(spotopt)) - submodules


@pytest.mark.parametrize("stub", CLASSES, ids=lambda stub: stub.name)
def test_a_class_has_the_members_of_its_stub(stub):
    kind = getattr(spotopt, stub.name)
    if issubclass(kind, (tuple, int)):
        members = getattr(kind, "_fields", None) or [flag.name for flag in kind]
        assert [node.target.id if isinstance(node, ast.AnnAssign) else node.targets[0].id for node in stub.body] \
            == list(members)
    else:
        assert public(defined(stub.body)) - INHERITED == public(vars(kind)) - INHERITED


def functions():
    for node in STUB.body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node, getattr(spotopt, node.name)
    for stub in CLASSES:
        for node in stub.body:
            if isinstance(node, ast.FunctionDef) and node.name != "__init__":
                found = inspect.getattr_static(getattr(spotopt, stub.name), node.name)
                found = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
                yield "%s.%s" % (stub.name, node.name), node, found


@pytest.mark.parametrize("name, stub, function", list(functions()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_function_takes_what_its_stub_says(name, stub, function):
    given = inspect.signature(function).parameters.values()
    said = stub.args.args + stub.args.kwonlyargs + ([stub.args.kwarg] if stub.args.kwarg else [])
    assert [arg.arg for arg in said] == [one.name for one in given]
    keywords = [one.name for one in given if one.kind is one.KEYWORD_ONLY]
    assert [arg.arg for arg in stub.args.kwonlyargs] == keywords
    defaults = [ast.literal_eval(default) for default in stub.args.defaults + stub.args.kw_defaults if default]
    assert defaults == [one.default for one in given if one.default is not one.empty]
    assert function.__doc__ or name.endswith("__iter__")
