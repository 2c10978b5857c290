"""The entry point: loads and checks packages, and opens package stores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, List

from . import _native
from ._records import CheckReport, ClassInfo, Finding, StoreEntry
from ._settings import Path, pairs
from .custom import Classes, _extensions
from .package import Package

__all__ = ["Application", "PackageStore"]


class Application:
    """Loads packages. Has no state: all methods can be called on the class."""

    @staticmethod
    def load(
        file: Path,
        *,
        project: Path | None = None,
        password: str | None = None,
        secrets: Mapping[str, str] | None = None,
        extensions: Classes = None,
    ) -> Package:
        """As `Package.load`."""
        return Package.load(file, project=project, password=password, secrets=secrets, extensions=extensions)

    @staticmethod
    def check(
        *paths: Path,
        password: str | None = None,
        secrets: Mapping[str, str] | None = None,
        extensions: Classes = None,
    ) -> list[CheckReport]:
        """Checks all packages under these files, projects and folders, without running them."""
        known = _extensions(extensions)
        return [_checked(one) for one in _native.check(list(paths), password, pairs(secrets), known)]

    @staticmethod
    def component_classes() -> list[str]:
        """Classes of components that `Pipeline.add` makes."""
        return _native.component_classes()

    @staticmethod
    def running_packages() -> List[_native.RunningPackage]:
        """The packages that you run on this machine, in this process and in others, in the order of their beginnings: runs of
        the command line and of other programs too. Each can be stopped.
        """
        return _native.running_packages()

    @staticmethod
    def component_infos() -> List[ClassInfo]:
        """The components of data flows, and which of them run."""
        return _infos("components")

    @staticmethod
    def task_infos() -> List[ClassInfo]:
        """The tasks and containers, and which of them run."""
        return _infos("tasks")

    @staticmethod
    def connection_infos() -> List[ClassInfo]:
        """The kinds of connection managers, and which of them can be opened."""
        return _infos("connections")

    @staticmethod
    def log_provider_infos() -> List[ClassInfo]:
        """The log providers, and which of them write."""
        return _infos("logs")

    @staticmethod
    def enumerator_infos() -> List[ClassInfo]:
        """The enumerators of Foreach loops."""
        return _infos("enumerators")

    @staticmethod
    def store(root: Path) -> PackageStore:
        """The package store of a folder."""
        return PackageStore(root)


def _infos(of: str) -> List[ClassInfo]:
    return [ClassInfo(*one) for one in _native.class_infos(of)]


def _checked(known: dict[str, Any]) -> CheckReport:
    return CheckReport(**{**known, "findings": [Finding(*one) for one in known["findings"]]})


class PackageStore:
    """Packages in the folders of a folder, by paths as the SSIS service has them: `Sales\\Load`, or with the root folder,
    `File System\\Sales\\Load`. `/` is the same as `\\`, `.dtsx` may be left out, and case does not matter.
    """

    def __init__(self, root: Path) -> None:
        self._native = _native.Store.at(root)

    def list(self, path: str = "", *, recursive: bool = False) -> List[StoreEntry]:
        """Folders and packages of a folder, by name."""
        return [StoreEntry(*entry) for entry in self._native.list(path, recursive)]

    def exists(self, path: str) -> bool:
        """Whether there is a package of that path."""
        return self._native.exists(path)

    def has_folder(self, path: str) -> bool:
        return self._native.has_folder(path)

    def load(
        self,
        path: str,
        *,
        password: str | None = None,
        secrets: Mapping[str, str] | None = None,
        extensions: Classes = None,
    ) -> Package:
        return Package(self._native.load(path, password, pairs(secrets)))._with(extensions)

    def save(self, path: str, package: Package) -> None:
        """Writes a package, in whole or not at all, over one that is there."""
        self._native.save(path, package._native)

    def remove(self, path: str) -> None:
        """Deletes a package."""
        self._native.remove(path)

    def create_folder(self, parent: str, name: str) -> None:
        self._native.create_folder(parent, name)

    def remove_folder(self, parent: str, name: str) -> None:
        """Deletes a folder that holds nothing."""
        self._native.remove_folder(parent, name)

    def rename_folder(self, parent: str, old: str, new: str) -> None:
        self._native.rename_folder(parent, old, new)
