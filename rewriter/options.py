"""The options of a rewrite, as one frozen value that checks itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from rewriter.abi.dialects import MODULE_NAMES, WASI_EPHEMERAL_NN, WASI_NN, find_dialect
from rewriter.abi.snapshots import PACKAGE
from rewriter.errors import UsageError
from rewriter.suggestions import did_you_mean
from rewriter.wasm.limits import LONGEST_NAME

__all__ = ["COMPONENT", "RewriteOptions"]

COMPONENT = PACKAGE
"""The value of `to` that makes a component."""

_NOT_RECORDED = ("inputs", "models", "outputs", "record", "require", "validate", "wasi_adapter")
"""Options that do not change the resulting core module."""


@dataclass(frozen=True, kw_only=True)
class RewriteOptions:
    """The options of a rewrite. By default, wasi-nn's imports are renamed to wasi_nn.

    Raises UsageError for unknown hosts and ABIs, for invalid names, for values of the wrong type,
    and for options that contradict each other or would have no effect. Its messages give both the
    field and the option of `nnshim rewrite`.
    """

    to: str | None = None
    """The new module name of wasi-nn's imports: wasi_nn or wasi_ephemeral_nn. The default is the
    name that `host` or `abi` uses, or wasi_nn if neither these nor `renames` are set.

    With wasi:nn, a core module becomes a component that imports wasi:nn@0.2.0-rc-2024-10-28, as
    Wasmtime has it since release 35. For a component that stays one: the version of wasi:nn that it
    imports then, such as wasi:nn@0.2.0-rc-2024-10-28."""

    host: str | None = None
    """Rename and adapt for this host: a name from rewriter.hosts.table, with or without a release,
    for example wamr@2.2. It cannot be combined with `to` or `abi`."""

    abi: str | None = None
    """Install adapters for the functions that have a different form in this ABI, a name from
    rewriter.abi.dialects."""

    renames: Mapping[str, str] = field(default_factory=dict)
    """Other import module names to change, old to new. All are applied at once, so that names can
    be swapped. Of a component, these are names of imports (wasi:cli/exit@0.2.0), or of packages
    (wasi:cli@0.2.0) for all their interfaces.

    With `host`, wasi-nn's own names are not allowed as old names. With `host` or `abi`, other
    modules cannot be renamed to a wasi-nn name, because their functions would not be adapted."""

    built_for: str | None = None
    """The host or library that the module was built for, if its numbers differ from those of the
    module's ABI: a name from rewriter.hosts.table, with or without a release. With `unknown`, the
    numbering of tensor types is found from the length of each tensor. Requires `host` or `abi`."""

    guest_abi: str | None = None
    """The ABI of the module, if neither its imports nor its adapters show it. Requires `host` or
    `abi`."""

    drop_debug: bool = False
    """Remove the debug sections that refer to code by its position: DWARF and source maps."""

    drop_signature: bool = False
    """Remove the signature sections. A signed module is rewritten only with this option."""

    drop_linking: bool = False
    """Remove the sections that only a linker reads. A module that still has them
    (`wasm-ld --emit-relocs`) is rewritten only with this option."""

    keep_offsets: bool = False
    """Pad the module if the import section gets shorter, so that code keeps its file offsets."""

    record: bool = False
    """Add a section that records the options, the version of nnshim and the SHA-256 of the
    input."""

    require: bool = False
    """Raise NothingToRename if the module does not need to change."""

    validate: bool = True
    """Validate the input and the output with wasm-tools."""

    inputs: Mapping[int, str] = field(default_factory=dict)
    """The names of the models' inputs by index, where a core module becomes a component, or a
    component a core module."""

    outputs: Mapping[int, str] = field(default_factory=dict)
    """The same of outputs. Default: their order; a core module gives the first one only. A
    component that gets a version before 0.2.0-rc-2024-10-28 needs them, unless `models` has
    them."""

    models: Sequence[str] = ()
    """Files of models, from which the names are read that `inputs` does not have, and for a core
    module those that `outputs` does not have. For a component that stays one: the file of its
    model, for the names of outputs."""

    wasi_adapter: str | None = None
    """For `to` wasi:nn: the file of an adapter for WASI 0.1, in place of nnshim's."""

    def __post_init__(self) -> None:
        self._check_types()
        object.__setattr__(self, "renames", dict(self.renames))  # callers may change theirs
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
        self._check_making()
        self._check_names()

    def _check_making(self) -> None:
        """Names, models and adapters are for components, and ABIs and hosts set the rest."""
        named = {"inputs (--input-name)": self.inputs, "outputs (--output-name)": self.outputs}
        if not self.makes_component:
            if self.wasi_adapter and not self.is_of_components:
                option = "wasi_adapter (--wasi-adapter)"
                raise UsageError(f"{option} has no effect without to (--to) {COMPONENT}")
            for option, value in {**named, "models (--model)": self.models}.items():
                if value and not (self.to or self.adapts):
                    raise UsageError(
                        f"{option} has no effect without to (--to), abi (--abi) or host (--for)"
                    )
        elif self.abi is not None:
            raise UsageError(f"to (--to) {COMPONENT} sets the ABI already: leave out abi (--abi)")
        for option, names in named.items():
            for index, name in names.items():
                if not 0 <= index < 1 << 32:
                    raise UsageError(f"{option}: an index is from 0 to 4294967295, not {index}")
                _check_name(option, name)

    def _check_hosts(self) -> None:
        if self.host is None and self.built_for is None:
            return
        from rewriter.hosts.table import find_guest, find_host  # slow to import

        if self.host is not None:
            find_host(self.host)
        if self.built_for is not None:
            find_guest(self.built_for)

    def _check_types(self) -> None:
        """Callers without a type checker can pass values of any type."""
        for option in fields(self):
            value: object = getattr(self, option.name)
            if option.name == "renames":
                names = [*value, *value.values()] if isinstance(value, Mapping) else [None]
                if not all(isinstance(name, str) for name in names):
                    raise UsageError(f"renames must map names to names, not be {value!r}")
            elif option.name in ("inputs", "outputs"):
                items = value.items() if isinstance(value, Mapping) else [(None, None)]
                if not all(isinstance(k, int) and isinstance(v, str) for k, v in items):
                    raise UsageError(f"{option.name} must map indices to names, not be {value!r}")
            elif option.name == "models":
                paths = [None] if isinstance(value, str) else value
                if not (isinstance(paths, Sequence) and all(isinstance(p, str) for p in paths)):
                    raise UsageError(f"models must be a list of paths, not {value!r}")
            elif isinstance(option.default, bool):
                if not isinstance(value, bool):
                    raise UsageError(f"{option.name} must be True or False, not {value!r}")
            elif value is not None and not isinstance(value, str):
                raise UsageError(f"{option.name} must be a name or None, not {value!r}")

    def _check_names(self) -> None:
        for name in (*self.renames, *self.renames.values()):
            _check_name("renames (--rename)", name)
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
        if self.makes_component:
            self.module_names(WASI_EPHEMERAL_NN)
            return
        if self.to is not None and self.to not in MODULE_NAMES:
            known = (*MODULE_NAMES, COMPONENT, *versions())
            if self.to not in known:
                raise UsageError(
                    f"to (--to): {self.to!r} is not a name of wasi-nn ({', '.join(known)})"
                    f"{did_you_mean(self.to, known)}"
                )
            if self.abi is not None:
                raise UsageError(f"to (--to): abi (--abi) is for core modules, {self.to} is not")
        self.module_names(self.to)

    @property
    def is_of_components(self) -> bool:
        """Whether `to` is a version of wasi:nn, which only components import."""
        return self.to is not None and self.to not in (*MODULE_NAMES, COMPONENT)

    @property
    def adapts(self) -> bool:
        """Whether the rewrite may install adapters, beside renaming imports."""
        return self.host is not None or self.abi is not None or self.makes_component

    @property
    def makes_component(self) -> bool:
        """Whether a core module becomes a component."""
        return self.to == COMPONENT

    def module_names(self, to: str | None) -> dict[str, str]:
        """Maps old import module names to new ones: `renames`, and wasi-nn's names to `to`.

        Raises UsageError if `renames` maps one of wasi-nn's names to another name than `to`.
        """
        names = dict(self.renames)
        if self.is_of_components:
            return names
        for old in MODULE_NAMES if to is not None else ():
            if old != to and names.setdefault(old, to or "") != to:
                raise UsageError(f"{old} cannot become {to} and {names[old]} at once")
        return names

    @property
    def operation(self) -> dict[str, object]:
        """The options that a record stores: those that change the module and are not the default.

        The default name is included if no other option says what was done.
        """
        recorded = {
            option.name: getattr(self, option.name)
            for option in fields(self)
            if getattr(self, option.name) and option.name not in _NOT_RECORDED
        }
        if not (self.to or self.adapts or self.renames):
            recorded["to"] = WASI_NN
        if self.host is not None:
            recorded |= _profile(self.host)
        return recorded


def _check_name(option: str, name: str) -> None:
    if not name:
        raise UsageError(f"{option}: a name is empty")
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise UsageError(f"{option}: {name!r} is not Unicode") from None
    if size > LONGEST_NAME:
        raise UsageError(
            f"{option}: a name has {size} bytes, but engines take at most {LONGEST_NAME}"
        )


def versions() -> tuple[str, ...]:
    """The versions of wasi:nn that `to` can name."""
    from rewriter.abi.snapshots import VERSIONED  # renames of core modules start without it

    return tuple(each.name for each in VERSIONED)


def _profile(name: str) -> dict[str, object]:
    """The measured host, if `name` is the path of a profile: the path alone does not show it."""
    from rewriter.hosts.table import is_profile

    if not is_profile(name):
        return {}
    from rewriter.hosts.profiles.file import read_file

    host = read_file(name).host
    about = {"name": host.name, "version": host.version, "commit": host.commit}
    return {"profile": {key: value for key, value in about.items() if value}}
