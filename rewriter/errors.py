"""Every error that nnshim raises on purpose.

NNShimError
├── UsageError             the call itself makes no sense
├── InputError             the input cannot be read
├── OutputError            the output cannot be written; what stood there before still stands
├── ModuleError            the bytes are not a module that can be worked on; carries the byte offset
│   ├── MalformedModule    truncated, or not WebAssembly at all
│   ├── UnsupportedModule  WebAssembly, but of a kind that a rewrite would break
│   └── InvalidModule      refused by `wasm-tools validate`
├── ModelError             a file is not a model in a known format, or not a whole one
├── AttestationError       an attestation does not prove what it has to, or a key cannot be used
├── HostMismatch           no rewrite makes the module fit the host or ABI it is meant for
├── NothingToRename        asked for as an error by `require`
├── InvalidResult          what a rewrite has made is not valid, which is a bug in nnshim
├── ToolError              wasm-tools ran and failed for a reason of its own
├── Lost                   a process that looked at the file was killed, or crashed
├── DependencyMissing      a tool or a package that this takes is not installed
│
│   in rewriter.probing.host:
├── ProbeFailed            the command of a host that is to be measured runs no modules
│
│   in runtime_shim.errors:
├── HostError              a call that the host refuses; an errno to the guest
├── HostHarm               the host that the guest is run as would do harm, or end
├── LinkError              the guest has imports that no one defines, or lacks an export
│
│   in runtime_shim.engine.outcome:
└── GuestFailed            the guest has not ended well: raised by Outcome.check
    ├── GuestExit          it ended with an exit code other than 0
    └── GuestTrap          it ended by a trap, its own or one that stopped it
        └── GuestTimeout   it was stopped, because its time was over
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rewriter.diagnostics import Diagnostic

__all__ = [
    "AttestationError",
    "DependencyMissing",
    "HostMismatch",
    "InputError",
    "InvalidModule",
    "InvalidResult",
    "Lost",
    "MalformedModule",
    "ModelError",
    "ModuleError",
    "NNShimError",
    "NothingToRename",
    "OutputError",
    "ToolError",
    "UnsupportedModule",
    "UsageError",
]


class NNShimError(Exception):
    """The root: catching it catches everything nnshim raises on purpose.

    `code` is one of the table in rewriter.codes. It is None if the error is not about a module, a
    file or an installed package.
    """

    code: str | None = None

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """The problems, as values: empty for an error without a code."""
        from rewriter.diagnostics import Diagnostic

        return () if self.code is None else (Diagnostic(self.code, str(self)),)

    @property
    def lines(self) -> Sequence[str]:
        """The message's lines. A line break within one of them belongs to a name."""
        return (str(self),)


class UsageError(NNShimError):
    """The arguments contradict each other or make no sense."""


class InputError(NNShimError):
    """The input cannot be read: missing, a folder, no permission; or, with another code, an
    archive that is broken or unsafe, or an artifact that is not what it says."""

    code = "NN001"

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code or type(self).code


class OutputError(NNShimError):
    """The output cannot be written; no file was changed."""

    code = "NN002"

    def __init__(self, reason: str, code: str | None = None) -> None:
        super().__init__(reason)
        self.code = code or type(self).code


class ModuleError(NNShimError):
    """The bytes are not a module that can be worked on.

    `offset` is the position of the first wrong byte in the file, or None if the validator named
    none. `reason` is the message without the offset and without the `remedy`, which says what to
    do.
    """

    def __init__(
        self, reason: str, offset: int | None, code: str | None = None, remedy: str | None = None
    ) -> None:
        super().__init__(reason, offset, code, remedy)
        self.reason = reason
        self.offset = offset
        self.code = code or type(self).code
        self.remedy = remedy

    def of(self, file: str) -> Self:
        """The same error with the file's name before it, once."""
        if self.reason.startswith(f"{file}: "):
            return self
        return type(self)(f"{file}: {self.reason}", self.offset, self.code, self.remedy)

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """The problem, with the byte offset if it is known."""
        from rewriter.diagnostics import Diagnostic

        return (Diagnostic(self.code or "", self.reason, self.offset, help=self.remedy),)

    def __str__(self) -> str:
        return str(self.diagnostics[0])


class MalformedModule(ModuleError):
    """Truncated, or not WebAssembly at all."""

    code = "NN103"


class UnsupportedModule(ModuleError):
    """WebAssembly, but a component, an object file or a precompiled artifact."""

    def __init__(
        self, reason: str, offset: int | None, code: str, remedy: str | None = None
    ) -> None:
        super().__init__(reason, offset, code, remedy)


class InvalidModule(ModuleError):
    """`wasm-tools validate` refuses the module."""

    code = "NN108"


class ModelError(NNShimError):
    """A file is not a model in a known format, or not a whole one."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason, code)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[0])


class AttestationError(NNShimError):
    """An attestation does not prove what it has to, or a key cannot be used."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason, code)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[0])


class HostMismatch(NNShimError):
    """No rewrite makes the module fit the host or ABI that it is meant for. `diagnostics` has the
    reasons."""

    def __init__(self, what: str, diagnostics: Sequence[Diagnostic]) -> None:
        super().__init__(what, diagnostics)
        self.what = what
        self._diagnostics = diagnostics

    @property
    def diagnostics(self) -> Sequence[Diagnostic]:
        """The reasons."""
        return self._diagnostics

    def __str__(self) -> str:
        return f"{self.what}: {'; '.join(found.text for found in self.diagnostics)}"


class NothingToRename(NNShimError):
    """There is nothing to change, and the caller required a change."""

    code = "NN331"


class InvalidResult(NNShimError):
    """A valid module would have become an invalid one, which is a bug in nnshim."""

    code = "NN332"


class ToolError(NNShimError):
    """wasm-tools ran and failed for a reason that lies not in the module."""

    code = "NN004"


class ClusterError(ToolError):
    """A Ray cluster cannot be reached, is gone, or has another version of nnshim."""

    code = "NN011"


class Lost(NNShimError):
    """A process that looked at the file was killed, or crashed; `how` says which."""

    code = "NN009"

    def __init__(self, file: str, how: str) -> None:
        super().__init__(file, how)
        self.file = file
        self.how = how

    def __str__(self) -> str:
        return (
            f"cannot tell about {self.file}: the process that looked at it {self.how}; if memory"
            " ran out, --jobs with a smaller number takes less"
        )


class DependencyMissing(NNShimError):
    """A required tool or package is not installed. The message has the line that installs it."""

    code = "NN003"
