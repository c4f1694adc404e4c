"""docs/architecture.md has a place for every module."""

import re
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text()


def words(text):
    return set(re.findall(r"`([^`]+)`", text))


def unnamed(folder, names, form="{}"):
    """Return the modules and packages of `folder` that none of `names`, which may have stars, stands for."""
    modules = [form.format(file.stem) for file in folder.glob("[!_]*.py")]
    packages = [f"{file.parent.name}/" for file in folder.glob("*/__init__.py")]
    return [one for one in modules + packages if not any(fnmatch(one, name) for name in names)]


def test_every_folder_and_every_module_beside_them_is_named():
    assert unnamed(ROOT / "streamer", words(PAGE), "{}.py") == []


def test_every_module_of_a_folder_with_a_section_is_named_there():
    sections = re.findall(r"^### `(\w+)/`.*\n((?:(?!##).*\n)*)", PAGE, re.MULTILINE)
    assert len(sections) >= 7
    missing = {name: unnamed(ROOT / "streamer" / name, words(text)) for name, text in sections}
    assert not any(missing.values()), missing
