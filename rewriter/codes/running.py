"""What keeps `nnshim run` from starting a module, or stops it."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN601",
        Severity.ERROR,
        "the module cannot be instantiated",
        "The module imports something that neither wasi-nn nor WASI 0.1 has, or imports it with "
        "a different type. With `--as HOST`, it may import wasi-nn under a name that this host "
        "does not register. Or the module lacks the export to call, needs more memory than "
        "allowed, or has an ABI that cannot be determined.",
        "`nnshim check --for nnshim FILE` lists each reason except memory; `--max-memory` raises "
        "that limit. With `--as HOST`, check and rewrite the module `--for` that host. If only "
        "functions are missing, and the guest need not call them, such as AssemblyScript's "
        "`env.abort`, `--trap-unknown-imports` runs it.",
    ),
    Code(
        "NN602",
        Severity.ERROR,
        "the host that `--as` imitates would do harm here",
        "`--as` imitates a host's faults only if they are harmless. If the host would read or "
        "write beyond what the guest passed, misread a tensor's type, or end its whole process, "
        "nnshim stops the guest instead.",
        "Change the guest, or run it on a host or release that does not do this: without `--as`, "
        "it gets an error that it can handle. If a model was loaded under the wrong encoding, "
        "rewrite the guest with `--from HOST`, which says whose numbers it has.",
    ),
    Code(
        "NN603",
        Severity.ERROR,
        "no inference server can be reached",
        "None of the graph's endpoints took the request: the connection failed, a proxy has no "
        "server behind it, or the server did not say that the model is ready. Nothing was "
        "computed. The message has the reason for each endpoint.",
        "Check the URLs, and that the servers run (`curl http://HOST:PORT/v2/health/ready`). Check "
        "the scheme, too: http and grpc have ports of their own (in Triton, 8000 and 8001), and "
        "https and grpcs need a server with TLS. With "
        '`fallback = "local"` in a file of graphs, a local model runs instead.',
    ),
    Code(
        "NN604",
        Severity.ERROR,
        "an inference server did not answer in time",
        "The answer was not complete within the graph's deadline, or within `--timeout`. The "
        "server may have computed it, so the request is not sent again.",
        "Raise `deadline` in the file of graphs, or find out why the server is slow. Before the "
        "next request, the server has to say that the model is ready.",
    ),
    Code(
        "NN605",
        Severity.ERROR,
        "the connection to an inference server was lost",
        "The connection ended after the request was sent and before the answer was complete. The "
        "server may have computed it, so the request is not sent again.",
        "Look into the server's log. The guest can repeat the call.",
    ),
    Code(
        "NN606",
        Severity.ERROR,
        "an inference server refused the request",
        "The server answered with an error, which the message quotes: an unknown model, wrong "
        "credentials, too many requests, or a failure of the model. A proxy that has lost its "
        "server (HTTP 502, 503 or 504, gRPC's UNAVAILABLE) may have passed the request on before, "
        "so it is not sent again; the next request goes to a server that says that it is ready.",
        "Do what the message asks for. If the server wants credentials (HTTP 401 or 403): for a "
        "model that the command line names, put a bearer token into the environment variable "
        "`NNSHIM_REMOTE_TOKEN`. A graph in a file of graphs does not use this variable: put the "
        "value of the header, such as `Bearer TOKEN`, into a variable of your own, and name it in "
        'the file, as in `headers = { authorization = "MY_TOKEN" }`.',
    ),
    Code(
        "NN607",
        Severity.ERROR,
        "an inference server's answer cannot be used",
        "The answer is not one of the Open Inference Protocol, or it is that of another model, "
        "version or request than the one that was asked for, or its outputs do not have the names, "
        "types, shapes and lengths that the server's own metadata state. Or another endpoint of "
        "the graph, or a server that was started again, has a model with other inputs or outputs, "
        "and was not asked to compute. The guest gets no data.",
        "Check that the URL leads to an inference server, and its configuration of the model. A "
        "URL with a version needs a server that says in its answers which version computed. "
        "Let all endpoints of a graph have the same version of the model. After a new version with "
        "other tensors, start nnshim again.",
    ),
    Code(
        "NN608",
        Severity.ERROR,
        "the protocol cannot express a tensor or a model",
        "The server does not list the model's inputs or outputs; or it takes or gives only JSON "
        "over HTTP, which lacks bf16 and values that are not finite (MLServer and KServe send null "
        "for them); or an input, or each output, has a type without a tensor in wasi-nn, such as "
        "`BYTES`; or the local model that would stand in has other inputs or outputs; or the "
        "server has no shared memory.",
        "Complete the server's configuration of the model, use gRPC, or do what the message says.",
    ),
    Code(
        "NN609",
        Severity.WARNING,
        "a local model runs instead of an inference server",
        'The graph has `fallback = "local"`, and none of its endpoints can be reached. From then '
        "on, the servers are tried again for each inference, and the first that answers is used.",
        "Start the server. `--stats` shows how many inferences ran on which.",
    ),
)
