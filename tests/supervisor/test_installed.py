"""The version on the disk, which need not be the one that runs."""

import pytest

from gateway import __version__
from gateway.supervisor.installed import installed_version


def test_in_a_tree_that_nobody_changes_it_is_the_running_one():
    assert installed_version() == __version__


@pytest.mark.parametrize(
    ("octets", "version"), [(b'"""Text."""\n\n__version__ = "0.9.1"\n', "0.9.1"), (b"", ""), (b"\xff\xfe", "")]
)
def test_it_is_read_anew(tmp_path, octets, version):
    (tmp_path / "__init__.py").write_bytes(octets)
    assert installed_version(tmp_path / "__init__.py") == version


def test_where_there_is_none_nothing_is_said(tmp_path):
    assert installed_version(tmp_path / "__init__.py") == ""
