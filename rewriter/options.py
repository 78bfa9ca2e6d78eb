"""What a rewrite is to make of a module, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from rewriter.abi.dialects import MODULE_NAMES, WASI_NN, find_dialect
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean
from rewriter.wasm.limits import LONGEST_NAME

__all__ = ["RewriteOptions"]

_NOT_RECORDED = ("record", "require", "validate")
"""Options that make no difference to the module."""


@dataclass(frozen=True, kw_only=True)
class RewriteOptions:
    """The options of a rewrite; without any, wasi-nn's imports get the name wasi_nn.

    Raises UsageError for hosts, ABIs and names that are not known or not possible, for values of
    another type, and for options that contradict each other or would have no effect. Its messages
    name options as fields and as `nnshim rewrite` spells them.
    """

    to: str | None = None
    """The module name that wasi-nn's imports get: wasi_nn or wasi_ephemeral_nn. By default the one
    that goes with `host` or `abi`; without these, and without `renames`, wasi_nn."""

    host: str | None = None
    """Rename and adapt for this host, the name of one in rewriter.hosts.table, with a release or
    without, as wamr@2.2; `to` and `abi` cannot
    be given beside it."""

    abi: str | None = None
    """Put adapters before the functions that have another form in this ABI, the name of one in
    rewriter.abi.dialects."""

    renames: Mapping[str, str] = field(default_factory=dict)
    """More module names of imports, old to new. All happen at once, so names can be swapped.

    Beside `host`, wasi-nn's names are not among them; beside `abi`, no other name becomes one of
    wasi-nn's, because its functions would not be adapted."""

    built_for: str | None = None
    """The host, or the library, whose numbers the module was built with, where they are not those
    of its ABI: the name of one in rewriter.hosts.table, with a release or without. `unknown`
    has each tensor tell by its length which numbers its type has. Takes `host` or `abi`."""

    guest_abi: str | None = None
    """The ABI of the module, where neither its imports nor its adapters tell it. Takes `host` or
    `abi`."""

    drop_debug: bool = False
    """Remove the sections that describe code by its position: DWARF, source maps."""

    drop_signature: bool = False
    """Remove the sections of a signature, without which a signed module is not changed."""

    drop_linking: bool = False
    """Remove the sections that a linker reads, without which a module that has kept them
    (`wasm-ld --emit-relocs`) is not changed."""

    keep_offsets: bool = False
    """Fill the gap that a shorter import section leaves, so that no code moves in the file."""

    record: bool = False
    """Add a section with what was done, by which version, and the SHA-256 of the input."""

    require: bool = False
    """Raise NothingToRename where nothing has to change."""

    validate: bool = True
    """Have wasm-tools validate the input and the output."""

    def __post_init__(self) -> None:
        self._check_types()
        object.__setattr__(self, "renames", dict(self.renames))  # which nobody else changes
        if self.host is not None and not (self.abi is None and self.to is None):
            raise UsageError(
                "host (--for) sets the name and the ABI already: do not combine it with to (--to)"
                " or abi (--abi)"
            )
        self._check_hosts()
        for abi in (self.abi, self.guest_abi):
            if abi is not None:
                find_dialect(abi)
        for option, value in (
            ("built_for (--from)", self.built_for),
            ("guest_abi (--guest-abi)", self.guest_abi),
        ):
            if value is not None and not self.adapts:
                raise UsageError(f"{option} has no effect without host (--for) or abi (--abi)")
        self._check_names()

    def _check_hosts(self) -> None:
        if self.host is None and self.built_for is None:
            return
        from rewriter.hosts.table import find_guest, find_host  # a rename starts without them

        if self.host is not None:
            find_host(self.host)
        if self.built_for is not None:
            find_guest(self.built_for)

    def _check_types(self) -> None:
        """The values come from callers, whom nobody has checked."""
        for option in fields(self):
            value: object = getattr(self, option.name)
            if option.name == "renames":
                names = [*value, *value.values()] if isinstance(value, Mapping) else [None]
                if not all(isinstance(name, str) for name in names):
                    raise UsageError(f"renames must map names to names, not be {value!r}")
            elif isinstance(option.default, bool):
                if not isinstance(value, bool):
                    raise UsageError(f"{option.name} must be True or False, not {value!r}")
            elif value is not None and not isinstance(value, str):
                raise UsageError(f"{option.name} must be a name or None, not {value!r}")

    def _check_names(self) -> None:
        for name in (*self.renames, *self.renames.values()):
            if not name:
                raise UsageError("renames (--rename): a name is empty")
            try:
                size = len(name.encode())
            except UnicodeEncodeError:
                raise UsageError(f"renames (--rename): {name!r} is not Unicode") from None
            if size > LONGEST_NAME:
                raise UsageError(
                    f"renames (--rename): a name has {size} bytes, but engines take at most "
                    f"{LONGEST_NAME}"
                )
        for old, new in self.renames.items():
            if old == new:
                raise UsageError(f"renames (--rename): {old} and {new} are the same name")
            if self.host is not None and old in MODULE_NAMES:
                raise UsageError(
                    f"renames (--rename): host (--for) already determines what {old} becomes; "
                    f"{new} contradicts it"
                )
            if self.adapts and new in MODULE_NAMES and old not in MODULE_NAMES:
                raise UsageError(
                    f"renames (--rename): {old} would become {new} without being adapted; rename "
                    "it in a separate rewrite, and adapt the result"
                )
        if self.to is not None and self.to not in MODULE_NAMES:
            raise UsageError(
                f"to (--to): {self.to!r} is not a wasi-nn module name ({' or '.join(MODULE_NAMES)})"
                f"{did_you_mean(self.to, MODULE_NAMES)}"
            )
        self.module_names(self.to)

    @property
    def adapts(self) -> bool:
        """Whether it is about more than names."""
        return self.host is not None or self.abi is not None

    def module_names(self, to: str | None) -> dict[str, str]:
        """Old module names of imports to new ones: `renames`, and wasi-nn's, if they become `to`.

        Raises UsageError where `renames` has another name for one of wasi-nn's.
        """
        names = dict(self.renames)
        for old in MODULE_NAMES if to is not None else ():
            if old != to and names.setdefault(old, to or "") != to:
                raise UsageError(f"{old} cannot become {to} and {names[old]} at once")
        return names

    @property
    def operation(self) -> dict[str, object]:
        """What a record tells of it: the options that make a difference, and are not the default.

        The default name is told, where nothing else says what was done.
        """
        told = {
            option.name: getattr(self, option.name)
            for option in fields(self)
            if getattr(self, option.name) and option.name not in _NOT_RECORDED
        }
        if not (self.to or self.adapts or self.renames):
            told["to"] = WASI_NN
        if self.host is not None:
            told |= _profile(self.host)
        return told


def _profile(name: str) -> dict[str, object]:
    """Which host was measured, where what names one is a profile: its path says nothing of it."""
    from rewriter.hosts.table import is_profile

    if not is_profile(name):
        return {}
    from rewriter.hosts.profiles.file import read_file

    host = read_file(name).host
    about = {"name": host.name, "version": host.version, "commit": host.commit}
    return {"profile": {key: value for key, value in about.items() if value}}
