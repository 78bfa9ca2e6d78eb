"""Every error that nnshim raises on purpose.

NNShimError
├── UsageError             the call itself makes no sense
├── InputError             the input cannot be read
├── OutputError            the output cannot be written; what stood there before still stands
├── ModuleError            the bytes are not a module that can be worked on; carries the byte offset
│   ├── MalformedModule    truncated, or not WebAssembly at all
│   ├── UnsupportedModule  WebAssembly, but of a kind that a rewrite would break
│   └── InvalidModule      refused by `wasm-tools validate`
├── HostMismatch           no rewrite makes the module fit the host or ABI it is meant for
├── NothingToRename        asked for as an error by `require`
├── ToolError              wasm-tools ran and failed for a reason of its own
├── DependencyMissing      a tool or a package that this takes is not installed
│
│   in runtime_shim.errors:
├── HostError              a call that the host refuses; an errno to the guest
├── LinkError              the guest has imports that no one defines, or lacks an export
│
│   in runtime_shim.engine.outcome:
└── GuestFailed            the guest has not ended well: raised by Outcome.check
    ├── GuestExit          it ended with an exit code other than 0
    └── GuestTrap          it ended by a trap, its own or one that stopped it
        └── GuestTimeout   it was stopped, because its time was over
"""

from collections.abc import Sequence

__all__ = [
    "DependencyMissing",
    "HostMismatch",
    "InputError",
    "InvalidModule",
    "MalformedModule",
    "ModuleError",
    "NNShimError",
    "NothingToRename",
    "OutputError",
    "ToolError",
    "UnsupportedModule",
    "UsageError",
]


class NNShimError(Exception):
    """The root: catching it catches everything nnshim raises on purpose."""

    @property
    def lines(self) -> Sequence[str]:
        """The message, in the lines that it has: a line break within one belongs to a name."""
        return (str(self),)


class UsageError(NNShimError):
    """The arguments contradict each other or cannot mean anything."""


class InputError(NNShimError):
    """The input cannot be read: missing, a folder, no permission."""


class OutputError(NNShimError):
    """The output cannot be written; no file was changed."""


class ModuleError(NNShimError):
    """The bytes are not a module that can be worked on.

    `offset` is the position in the file, in bytes, of the first byte that is wrong, or None where
    the judge (an outside validator) named none. `reason` is the message without the offset.
    """

    def __init__(self, reason: str, offset: int | None) -> None:
        where = "" if offset is None else f" (at byte offset {offset:#x})"
        super().__init__(f"{reason}{where}")
        self.reason = reason
        self.offset = offset


class MalformedModule(ModuleError):
    """Truncated, or not WebAssembly at all."""


class UnsupportedModule(ModuleError):
    """WebAssembly, but a component, an object file or a precompiled artifact."""


class InvalidModule(ModuleError):
    """`wasm-tools validate` refuses the module."""


class HostMismatch(NNShimError):
    """No rewrite makes the module fit what it is meant for; the message has the reasons."""


class NothingToRename(NNShimError):
    """Nothing has to change, and the caller required that something does."""


class ToolError(NNShimError):
    """wasm-tools ran and failed for a reason that is not the module's."""


class DependencyMissing(NNShimError):
    """A tool or a package that this takes is not installed; the message has the line that installs
    it."""
