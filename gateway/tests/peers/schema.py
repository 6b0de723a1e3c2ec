"""Judges documents with the schema of the shard file, as the Python library `jsonschema` reads it.

Argument: the schema's file. Reads a JSON list from stdin and prints a list of true (it fits) and false.
Invariant: exit code 0 means that the schema itself keeps the rules of its draft.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator

schema = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
Draft7Validator.check_schema(schema)
validator = Draft7Validator(schema)
json.dump([validator.is_valid(document) for document in json.load(sys.stdin)], sys.stdout)
