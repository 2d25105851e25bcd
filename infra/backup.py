"""The parts of a stack's backup for which Python's standard library is the best tool. The stack's own Python
runs it.

save DIR OUT PART copies the database of PART (temporal or mlflow) and MLflow's artifacts from DIR to OUT.
                  SQLite's online backup gives a consistent copy while the server writes.
pack OUT FILE     packs the folder OUT into the compressed archive FILE
unpack FILE OUT   unpacks an archive from any origin: only plain files below OUT, and no more bytes than the
                  disk has free

It prints nothing. A failure is one sentence on stderr.
"""

import os
import shutil
import sqlite3
import sys
import tarfile
from pathlib import Path, PurePosixPath


def save(stack: str, out: str, part: str) -> None:
    source, target = Path(stack, part, f"{part}.db"), Path(out, part, f"{part}.db")
    if not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    reader, writer = sqlite3.connect(source, timeout=30), sqlite3.connect(target)
    with reader, writer:
        reader.backup(writer)
        (verdict,) = writer.execute("pragma integrity_check").fetchone()
    reader.close()
    writer.close()
    if verdict != "ok":
        sys.exit(f"{source} is damaged ({verdict}): it cannot be backed up")
    # After the database, so that every artifact that a run names is in the copy.
    artifacts = Path(stack, part, "artifacts")
    if artifacts.exists():
        shutil.copytree(artifacts, Path(out, part, "artifacts"))


def pack(folder: str, file: str) -> None:
    half = f"{file}.new"
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out, tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as tar:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink():
                tar.add(path, arcname=str(path.relative_to(folder)), recursive=False)
    os.replace(half, file)


def unpack(file: str, folder: str) -> None:
    room = shutil.disk_usage(folder).free
    try:
        with tarfile.open(file, mode="r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if not member.isfile() or path.is_absolute() or ".." in path.parts or "\\" in member.name:
                    sys.exit(f"{file} holds {member.name!r}, which is not a plain file inside a folder: the archive is not a backup of a stack")
                room -= member.size
                if room < 0:
                    sys.exit(f"{file} needs more space than the disk of {folder} has: free some space first")
                target = Path(folder, *path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with tar.extractfile(member) as source, open(target, "xb") as out:
                    shutil.copyfileobj(source, out)
    except (tarfile.TarError, EOFError, OSError) as error:
        sys.exit(f"{file} cannot be read as a backup ({error}): choose the file that \"stack backup\" wrote")


{"save": save, "pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
