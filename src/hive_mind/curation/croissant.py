"""croissant.json: the dataset in MLCommons' Croissant 1.1 (JSON-LD): files with digests, fields, licences, origins.

No address, author or date of publication is in it: a dataset that was just built has none. Whoever publishes it adds
`url`, `creator` and `datePublished`, which Croissant asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from hive_mind.conversation import JSON
from hive_mind.curation.licences import licence_url
from hive_mind.curation.manifest import CROISSANT_NAME, SPLIT_FILES, DatasetManifest
from hive_mind.files import raw_lines, write_json
from hive_mind.sources import SOURCES

CONTEXT: JSON = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The specification's own context, which its tools expect word for word."""

_MESSAGES = "What is said in turn; an assistant's calls stand under `tool_calls`, as at the OpenAI API."
_TOOLS = "The tools that may be called; what they take stands under `function.parameters`, as JSON Schema."
_TIMESTAMP = "When it was said (UTC), where that is known."


def write_croissant(manifest: DatasetManifest) -> None:
    """Write croissant.json beside the dataset's files, which must be there."""
    write_json(manifest.folder / CROISSANT_NAME, croissant(manifest))


def croissant(manifest: DatasetManifest) -> JSON:
    """Return the description as JSON-LD."""
    licences = dict.fromkeys(row.licence for row in manifest.composition)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": manifest.name,
        "description": (
            f"Conversations with tool calls, shell commands and code: {manifest.rows('train'):,} training rows of "
            f"{', '.join(row.source for row in manifest.composition)}."
        ),
        "license": [licence_url(licence) or licence for licence in licences],
        "version": f"1.0.0+{manifest.digest[:12]}",
        "keywords": ["tool calling", "function calling", "code", "shell"],
        "prov:wasDerivedFrom": _origins(manifest),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": name,
                "name": name,
                "contentUrl": name,
                "contentSize": f"{file.size} B",
                "encodingFormat": "application/jsonlines",
                "sha256": file.sha256,
            }
            for name, file in manifest.files.items()
        ],
        "recordSet": [
            _record_set(split, manifest.folder / name) for split, name in SPLIT_FILES.items() if manifest.rows(split)
        ],
    }


def _origins(manifest: DatasetManifest) -> list[JSON]:
    """Return the public data sets that rows are of, with their commits where they were fetched."""
    origins = []
    for row in manifest.composition:
        hub, commit = SOURCES[row.source].HUB, manifest.commits.get(row.source)
        if hub is not None and commit is not None:
            address = f"https://huggingface.co/datasets/{hub.repo_id}"
            origins.append({
                "@id": f"{address}/tree/{commit}", "@type": "sc:Dataset", "name": hub.repo_id, "version": commit,
                "license": licence_url(row.licence) or row.licence,
            })  # fmt: skip
    return origins


def _record_set(split: str, file: Path) -> JSON:
    """Describe a split's rows. Readers fail on a field that no row has, so such a one is left out."""
    place = _Place(split, file.name)
    fields = [
        place.field("id", "id"),
        place.table("messages", _MESSAGES, {"role": "$.role", "content": "$.content"}),
    ]
    if _occurs(file, "tools"):
        parts = {"name": "$.function.name", "description": "$.function.description"}
        fields.append(place.table("tools", _TOOLS, parts))
    if _occurs(file, "timestamp"):
        fields.append(place.field("timestamp", "timestamp", "sc:DateTime") | {"description": _TIMESTAMP})
    fields.append(place.field("source", "metadata", path="$.source"))
    return {"@type": "cr:RecordSet", "@id": split, "name": split, "key": {"@id": f"{split}/id"}, "field": fields}


@dataclass(frozen=True)
class _Place:
    """A split and the file that holds its rows."""

    split: str
    file: str

    def field(self, name: str, column: str, kind: str = "sc:Text", path: str | None = None) -> JSON:
        """Describe one value of a row: a column of the file, or what lies at a path inside of it."""
        source: JSON = {"fileObject": {"@id": self.file}, "extract": {"column": column}}
        if path is not None:
            source["transform"] = {"jsonPath": path}
        return {**self._named(name), "dataType": kind, "source": source}

    def table(self, column: str, description: str, parts: dict[str, str]) -> JSON:
        """Describe a column that holds a list of objects, with the paths of their parts."""
        fields = [self.field(f"{column}/{part}", column, path=path) for part, path in parts.items()]
        return {**self._named(column), "description": description, "repeated": True, "subField": fields}

    def _named(self, name: str) -> JSON:
        return {"@type": "cr:Field", "@id": f"{self.split}/{name}", "name": f"{self.split}/{name}"}


def _occurs(file: Path, key: str) -> bool:
    return any(key in orjson.loads(line) for _, line in raw_lines(file))
